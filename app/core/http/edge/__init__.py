"""The edge: one middleware a file, around the router, for unknown routes and failures as well.

Each is a class with `__init__(app, ...)` and `__call__(scope, receive, send)`, like those inside the router.
"""

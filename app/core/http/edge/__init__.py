"""The middlewares around the router, one in each file. They also see unknown routes and unhandled exceptions."""

# A `__call__` or `send` that awaits nothing is a plain function that returns the awaitable. It takes 0.03 µs instead of
# 0.07, and Litestar's `ASGIMiddleware` takes 0.3.

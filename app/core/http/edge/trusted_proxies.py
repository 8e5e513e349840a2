"""Proxies: those whose word on the client's address and scheme is taken."""

from typing import Any, cast

from litestar.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware


def behind_proxies(app: ASGIApp, networks: list[str]) -> ASGIApp:
    """Return the application with the caller's address and scheme as these proxies tell them, and nobody else.

    Of X-Forwarded-For counts the last entry that is no such proxy: what stands before it is anybody's claim.
    """
    return cast("ASGIApp", ProxyHeadersMiddleware(cast("Any", app), networks)) if networks else app

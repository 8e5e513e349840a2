"""Trusted proxies: the client's address and scheme, only from the headers of TRUSTED_PROXIES."""

from collections.abc import Awaitable, Iterable
from typing import Any, cast

from litestar.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware


class TrustedProxies:
    """Takes the right-most X-Forwarded-For entry that is not a trusted proxy."""

    # A client can forge all entries before it.

    def __init__(self, app: ASGIApp, networks: Iterable[str]) -> None:
        trusted = list(networks)
        self._app = cast("ASGIApp", ProxyHeadersMiddleware(cast("Any", app), trusted)) if trusted else app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return self._app(scope, receive, send)

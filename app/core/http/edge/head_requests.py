"""HEAD requests: handled like GET; the server omits the body (RFC 9110, section 9.3.2)."""

from collections.abc import Awaitable

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send


class HeadRequests:
    """Allows HEAD on every route that has GET."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == ScopeType.HTTP and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        return self._app(scope, receive, send)

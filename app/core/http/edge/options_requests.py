"""OPTIONS requests: `Allow` has all methods of a path (RFC 9110, section 10.2.1)."""

from collections.abc import Awaitable, Iterable

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send


class OptionsRequests:
    """Corrects `Allow` in the answer to OPTIONS: Litestar lists only the methods of one handler."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == ScopeType.HTTP and scope["method"] == "OPTIONS":
            send = _with_all_methods(scope, send)
        return self._app(scope, receive, send)


def allow(methods: Iterable[str]) -> str:
    """Return the value of `Allow` for these methods; GET adds HEAD."""
    offered = set(methods)
    return ", ".join(sorted(offered | {"HEAD"} if "GET" in offered else offered))


def _with_all_methods(scope: HTTPScope, send: Send) -> Send:
    async def send_with_methods(message: Message) -> None:
        if message["type"] == "http.response.start" and "path_template" in scope:
            headers = [pair for pair in message["headers"] if pair[0] != b"allow"]
            message["headers"] = [*headers, (b"allow", allow(_methods_at(scope)).encode())]
        await send(message)

    return send_with_methods


def _methods_at(scope: HTTPScope) -> Iterable[str]:
    routes = scope["litestar_app"].routes
    return (method for route in routes if route.path_format == scope["path_template"] for method in route.methods)

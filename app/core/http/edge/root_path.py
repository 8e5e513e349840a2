"""Root path: a proxy serves the application below a path prefix, such as `/backend`, which the routes do not have."""

from collections.abc import Awaitable, Iterable
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from app.core.http.headers import Headers

_STATE_KEY: Final = "root_path"


class RootPath:
    """Removes the root path from the path of a request, and adds it to the paths in `Location` and `Link`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == ScopeType.HTTP and (root := scope.get("root_path")):
            scope, send = _without_root_path(scope), _with_root_path(root, send)
        return self._app(scope, receive, send)


def root_path_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Return the root path of a request; empty if there is none."""
    return str(connection.scope["state"].get(_STATE_KEY, ""))


def _without_root_path(scope: HTTPScope) -> HTTPScope:
    # Litestar must not see `root_path`: it removes that text anywhere in a path, like `/api` in `/api/tasks`.
    root = scope["root_path"]
    path, raw_path = scope["path"].removeprefix(root), scope["raw_path"].removeprefix(root.encode())
    state = {**scope.get("state", {}), _STATE_KEY: root}
    relative: HTTPScope = {**scope, "path": path or "/", "raw_path": raw_path or b"/", "root_path": "", "state": state}
    return relative


def _with_root_path(root: str, send: Send) -> Send:
    async def send_with_root_path(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = _prefix_headers(root.encode(), message["headers"])
        await send(message)

    return send_with_root_path


def _prefix_headers(root: bytes, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    return [(name, _prefix_value(root, name.lower(), value)) for name, value in headers]


def _prefix_value(root: bytes, name: bytes, value: bytes) -> bytes:
    if name == b"location" and value.startswith(b"/"):
        return root + value
    return value.replace(b"</", b"<%s/" % root) if name == b"link" else value

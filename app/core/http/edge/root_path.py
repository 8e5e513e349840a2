"""The root path: a proxy serves the application below a path, which it cuts off and the server is told of.

The routes know nothing of it. It is taken off each path that comes in, as ASGI has it there, and put before each path
that goes out.
"""

from collections.abc import Iterable
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.types import HTTPScope, Message, Send

from app.core.http.headers import Headers

_STATE: Final = "root_path"


def without_root_path(scope: HTTPScope) -> HTTPScope:
    """Return the scope with the path as the routes know it, and the root path where `root_path_of` finds it.

    A router that still knew of it would cut it out of every path that has the same letters, like /api of /api/tasks.
    """
    root = scope["root_path"]
    path, raw_path = scope["path"].removeprefix(root), scope["raw_path"].removeprefix(root.encode())
    state = {**scope.get("state", {}), _STATE: root}
    relative: HTTPScope = {**scope, "path": path or "/", "raw_path": raw_path or b"/", "root_path": "", "state": state}
    return relative


def root_path_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Return the path below which the application is served, empty where it is served at the root."""
    return str(connection.scope["state"].get(_STATE, ""))


def with_root_path(root: str, send: Send) -> Send:
    """Return a `send` that puts the root path before the paths in `Location` and `Link`."""

    async def send_with_root_path(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = _below(root.encode(), message["headers"])
        await send(message)

    return send_with_root_path


def _below(root: bytes, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    return [(name, _put_before(root, name.lower(), value)) for name, value in headers]


def _put_before(root: bytes, name: bytes, value: bytes) -> bytes:
    if name == b"location" and value.startswith(b"/"):
        return root + value
    return value.replace(b"</", b"<%s/" % root) if name == b"link" else value

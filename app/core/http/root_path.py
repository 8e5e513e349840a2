"""The root path: a proxy serves the application below a path, which it cuts off and the server is told of.

The routes know nothing of it. It is taken off each path that comes in, as ASGI has it there, and put before each path
that goes out.
"""

from collections.abc import Iterable

from litestar.types import HTTPScope, Message, Send

from app.core.http.headers import Headers


def without_root_path(scope: HTTPScope) -> HTTPScope:
    """Return the scope with the path as the routes know it."""
    root = scope["root_path"]
    path, raw_path = scope["path"].removeprefix(root), scope["raw_path"].removeprefix(root.encode())
    relative: HTTPScope = {**scope, "path": path or "/", "raw_path": raw_path or b"/"}
    return relative


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

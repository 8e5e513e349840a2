"""Methods: HEAD is offered wherever GET is, and Allow (RFC 9110, section 10.2.1) names all that a path offers."""

from collections.abc import Iterable
from typing import Any

from litestar.types import Message, Scope, Send


def allow(methods: Iterable[str]) -> str:
    """Return the value of Allow for a path that has handlers for these methods."""
    offered = set(methods)
    return ", ".join(sorted(offered | {"HEAD"} if "GET" in offered else offered))


def naming_all_methods(scope: Scope, send: Send) -> Send:
    """Return a `send` by which the answer to OPTIONS names all methods of the path that was found.

    Litestar's own answer names those of the handler that was registered first.
    """

    async def send_with_methods(message: Message) -> None:
        if message["type"] == "http.response.start" and "path_template" in scope:
            headers = [pair for pair in message["headers"] if pair[0] != b"allow"]
            message["headers"] = [*headers, (b"allow", allow(_methods_at(scope)).encode())]
        await send(message)

    return send_with_methods


def _methods_at(scope: Any) -> Iterable[str]:
    routes = scope["litestar_app"].routes
    return (method for route in routes if route.path_format == scope["path_template"] for method in route.methods)

"""Operations: the handlers of a resource, which are Litestar's but for what these do in vain with each request."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import HTTPRouteHandler


class Operation(HTTPRouteHandler):
    """A handler that guards see as it is: Litestar makes a copy for each, which takes a twentieth of a request."""

    async def authorize_connection(self, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        """Ask the guards, in their order."""
        for guard in self.resolve_guards():
            await guard(connection, self)  # type: ignore[misc]  # those that are no coroutines have become such

"""The middlewares of the rate limits: before and after the authentication, and around the router."""

from collections.abc import Awaitable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from litestar.exceptions import NotAuthorizedException
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from app.core.auth.middleware import PUBLIC
from app.core.http.probes import PROBE
from app.core.http.rate_limit.limit import Limit, rate_limit_headers


class AddressLimit:
    """Counts, by address, requests to public routes and requests that fail the authentication.

    It never refuses a valid token: other clients may share the address.
    """

    def __init__(self, app: ASGIApp, limit: Limit) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        options = scope["route_handler"].opt
        if options.get(PROBE):
            return await self._app(scope, receive, send)
        if options.get(PUBLIC) or scope.get("method") == "OPTIONS":
            await self._limit.hit(scope, address_of(scope))
        try:
            await self._app(scope, receive, send)
        except NotAuthorizedException:
            await self._limit.hit(scope, address_of(scope))
            raise


class UserLimit:
    """Counts all requests of a user."""

    def __init__(self, app: ASGIApp, limit: Limit) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if user := scope.get("user"):
            await self._limit.hit(scope, user.id)
        await self._app(scope, receive, send)


class RateLimitHeaders:
    """Adds the RateLimit headers to the response, also to an error."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        def send_with_headers(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *rate_limit_headers(scope)]
            return send(message)

        return self._app(scope, receive, send_with_headers)


def address_of(scope: Any) -> str:
    """Return the client's address; for IPv6 its /64 network, because one client has all addresses in it."""
    client = scope.get("client")
    try:
        address = ip_address(client[0] if client else "")
    except ValueError:  # a Unix socket
        return "local"
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address, 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)

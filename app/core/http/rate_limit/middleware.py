"""Rate limits: how often each user may call, and each address from which it comes without a valid token.

A window begins with the first request that is counted in it. What is over the limit in a window is a 429; the answers
tell in RateLimit-Limit, RateLimit-Remaining and RateLimit-Reset how their caller stands.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.exceptions import NotAuthorizedException, TooManyRequestsException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from app.core.auth.middleware import PUBLIC
from app.core.http.headers import Headers
from app.core.http.rate_limit.memory_store import MemoryStore, RateLimitStore
from app.settings import InvalidSettings, Settings
from app.settings.formats import Rate

UNLIMITED: Final = "unlimited"
"""The handler option that exempts a public route, for what watches the process."""

PER_ADDRESS: Final = 5  # times as often as a user: an office or a whole village may share one address

_STANDING: Final = "rate_limit"


class Limit:
    """A rate, for each of those that are counted under a name: `user` or `address`."""

    def __init__(self, name: str, rate: Rate, counts: RateLimitStore) -> None:
        self._name = name
        self._rate = rate
        self._counts = counts
        self._limit = (b"ratelimit-limit", str(rate.requests).encode())

    async def hit(self, scope: Any, caller: str) -> None:
        """Count a request, and note for its answer how the caller stands.

        Raises:
            TooManyRequestsException: it is over the limit.
        """
        number, ends_in = await self._counts.hit(f"{self._name}:{caller}", self._rate.seconds)
        left, reset = max(0, self._rate.requests - number), ceil(ends_in)
        scope[_STANDING] = [self._limit, (b"ratelimit-remaining", b"%d" % left), (b"ratelimit-reset", b"%d" % reset)]
        if number > self._rate.requests:
            raise TooManyRequestsException(
                f"Too many requests; try again in {reset} s", headers={"Retry-After": str(reset)}
            )


class AddressLimit(ASGIMiddleware):
    """Counts, outside of the authentication, what is asked without one and whatever fails it.

    A valid token is never refused for its address: others who share it may have spoiled it.
    """

    scopes = (ScopeType.HTTP,)
    exclude_opt_key = UNLIMITED

    def __init__(self, limit: Limit) -> None:
        self._limit = limit

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Count before a public answer, and behind a refused token."""
        if scope["route_handler"].opt.get(PUBLIC) or scope.get("method") == "OPTIONS":
            await self._limit.hit(scope, address_of(scope))
        try:
            await next_app(scope, receive, send)
        except NotAuthorizedException:
            await self._limit.hit(scope, address_of(scope))
            raise


class UserLimit(ASGIMiddleware):
    """Counts the requests of each user, whatever comes of them; it stands right behind the authentication."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, limit: Limit) -> None:
        self._limit = limit

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Count, where there is a user."""
        if user := scope.get("user"):
            await self._limit.hit(scope, user.id)
        await next_app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The middlewares that stand around the authentication, and how to close what they count with."""

    per_address: list[AddressLimit]
    per_user: list[UserLimit]
    close: list[Callable[[], Awaitable[None]]]


def make_rate_limits(settings: Settings) -> RateLimits:
    """Return what the settings ask for; with `off` that is nothing, and costs nothing.

    Raises:
        InvalidSettings: a storage is set, and the package that speaks to it is not installed.
    """
    rate = settings.rate
    if rate is None:
        return RateLimits([], [], [])
    # Apart from each other: tokens cannot be made up, addresses can, and would push users out of the memory.
    users, addresses = _make_store(settings), _make_store(settings)
    of_addresses = Rate(rate.requests * PER_ADDRESS, rate.seconds)
    return RateLimits(
        [AddressLimit(Limit("address", of_addresses, addresses))],
        [UserLimit(Limit("user", rate, users))],
        [users.aclose, addresses.aclose],
    )


def refuse_missing_client(settings: Settings) -> None:
    """See that a storage which is set can be spoken to.

    Raises:
        InvalidSettings: the package for it is not installed.
    """
    if settings.rate_limit_storage is not None and find_spec("redis") is None:
        raise InvalidSettings("RATE_LIMIT_STORAGE is set, and what speaks to it is missing; `uv sync --extra redis`")


def rate_limit_headers(scope: Any) -> Headers:
    """Return the headers that tell how a request's caller stands, where it was counted."""
    standing: Headers = scope.get(_STANDING, [])
    return standing


def address_of(scope: Any) -> str:
    """Return the client's address, or its network where that is what one client has: 64 bits of IPv6."""
    client = scope.get("client")
    try:
        address = ip_address(client[0] if client else "")
    except ValueError:  # a socket of this machine
        return "local"
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address, 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)


def _make_store(settings: Settings) -> RateLimitStore:
    if settings.rate_limit_storage is None:
        return MemoryStore()
    refuse_missing_client(settings)
    shared = import_module("app.core.http.rate_limit.redis_store")  # only here, because the package is an extra
    counts: RateLimitStore = shared.RedisStore(settings.rate_limit_storage.get_secret_value(), MemoryStore())
    return counts

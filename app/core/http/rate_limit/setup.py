"""The rate limits for the settings RATE_LIMIT and RATE_LIMIT_STORAGE."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Final

from litestar.types import ASGIApp

from app.core.http.rate_limit.limit import Limit
from app.core.http.rate_limit.memory_store import MemoryStore
from app.core.http.rate_limit.middleware import AddressLimit, RateLimitHeaders, UserLimit
from app.core.http.rate_limit.store import RateLimitStore
from app.settings import InvalidSettings, Settings
from app.settings.formats import Rate

PER_ADDRESS: Final = 5  # times the rate of a user: an office may share one address

Middlewares = list[Callable[[ASGIApp], ASGIApp]]


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The middlewares by position, and the stores, which must be closed at shutdown."""

    around_router: Middlewares
    before_authentication: Middlewares
    after_authentication: Middlewares
    stores: list[RateLimitStore]


def make_rate_limits(settings: Settings) -> RateLimits:
    """Return the rate limits for these settings; `off` has no middleware."""
    rate = settings.rate
    if rate is None:
        return RateLimits([], [], [], [])
    # Two stores: an attacker can invent addresses, and must not evict users with them.
    users, addresses = _make_store(settings), _make_store(settings)
    address_rate = Rate(rate.requests * PER_ADDRESS, rate.seconds)
    return RateLimits(
        [RateLimitHeaders],
        [partial(AddressLimit, limit=Limit("address", address_rate, addresses))],
        [partial(UserLimit, limit=Limit("user", rate, users))],
        [users, addresses],
    )


def refuse_missing_client(settings: Settings) -> None:
    """Raise InvalidSettings if a storage is set, and its package is not installed."""
    if settings.rate_limit_storage is not None and find_spec("redis") is None:
        raise InvalidSettings("RATE_LIMIT_STORAGE is set, and its client is not installed; `uv sync --extra redis`")


def _make_store(settings: Settings) -> RateLimitStore:
    if settings.rate_limit_storage is None:
        return MemoryStore()
    refuse_missing_client(settings)
    # Imported by name: `redis` is an extra, and its import takes 0.1 s.
    module = import_module("app.core.http.rate_limit.redis_store")
    store: RateLimitStore = module.RedisStore(settings.rate_limit_storage.get_secret_value(), MemoryStore())
    return store

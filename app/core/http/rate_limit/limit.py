"""A limit: one rate for each key, such as a user id."""

from math import ceil
from typing import Any, Final

from litestar.exceptions import TooManyRequestsException

from app.core.http.headers import Headers
from app.core.http.rate_limit.store import RateLimitStore
from app.settings.formats import Rate

_SCOPE_KEY: Final = "rate_limit"


class Limit:
    """A rate for each user or for each address; `name` is the prefix of its keys in the store."""

    def __init__(self, name: str, rate: Rate, store: RateLimitStore) -> None:
        self._name = name
        self._rate = rate
        self._store = store
        self._limit = (b"ratelimit-limit", str(rate.requests).encode())

    async def hit(self, scope: Any, key: str) -> None:
        """Count a request, set the RateLimit headers for its response, and raise a 429 if it is over the limit."""
        hits, resets_in = await self._store.hit(f"{self._name}:{key}", self._rate.seconds)
        left, reset = max(0, self._rate.requests - hits), ceil(resets_in)
        scope[_SCOPE_KEY] = [self._limit, (b"ratelimit-remaining", b"%d" % left), (b"ratelimit-reset", b"%d" % reset)]
        if hits > self._rate.requests:
            raise TooManyRequestsException(too_many_requests(reset), headers={"Retry-After": str(reset)})


def too_many_requests(seconds: int) -> str:
    """Return the message of a 429."""
    return f"Too many requests; try again in {seconds} s"


def rate_limit_headers(scope: Any) -> Headers:
    """Return the RateLimit headers for a request; empty if it was not counted."""
    headers: Headers = scope.get(_SCOPE_KEY, [])
    return headers

"""The store of a rate limit: it counts requests in fixed windows."""

from typing import NamedTuple, Protocol


class Window(NamedTuple):
    """The window of a key: the number of requests in it, with this one, and the seconds until its end."""

    hits: int
    resets_in: float


class RateLimitStore(Protocol):
    """Counts requests. A window begins with the first request in it."""

    async def hit(self, key: str, seconds: int) -> Window:
        """Count a request for this key, in a window of this length."""

    async def aclose(self) -> None: ...

"""The store of a rate limit: it counts the requests of each caller in windows of time."""

from typing import NamedTuple, Protocol


class Window(NamedTuple):
    """A caller's window after a request: the requests in it so far, this one included, and the seconds to its end."""

    hits: int
    resets_in: float


class RateLimitStore(Protocol):
    """Counts requests. A window begins with the first request in it."""

    async def hit(self, key: str, seconds: int) -> Window:
        """Count a request under this key, in a window of so many seconds."""

    async def aclose(self) -> None:
        """Close what the store holds."""

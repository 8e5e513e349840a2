"""The memory store: how many requests each caller has made in their window, in the memory of this process."""

from itertools import islice
from time import monotonic
from typing import Final, NamedTuple, Protocol

MAX_WINDOWS: Final = 100_000  # some 20 megabytes


class Window(NamedTuple):
    """Which one in its window a request is, from 1 on, and in how many seconds the window ends."""

    number: int
    ends_in: float


class RateLimitStore(Protocol):
    """Where requests are counted."""

    async def hit(self, key: str, seconds: int) -> Window:
        """Count a request of this caller, in a window of so many seconds."""

    async def aclose(self) -> None:
        """Let go of whatever it holds."""


class MemoryStore:
    """Counts in this process. There is no `await` in it, so that no two requests can get the same number.

    Windows are kept in the order in which they end. A new one removes up to two that have ended, so the memory follows
    the callers of the last window; where there are more than `size`, it removes the one that ends first.
    """

    def __init__(self, size: int = MAX_WINDOWS) -> None:
        self._size = size
        self._windows: dict[str, tuple[int, float]] = {}

    async def hit(self, key: str, seconds: int) -> Window:
        """Count."""
        now = monotonic()
        count, end = self._windows.get(key, (0, 0.0))
        if end <= now:
            self._windows.pop(key, None)
            self._make_room(now)
            count, end = 0, now + seconds
        self._windows[key] = count + 1, end
        return Window(count + 1, end - now)

    async def aclose(self) -> None:
        """Do nothing."""

    def _make_room(self, now: float) -> None:
        for key, (_, end) in list(islice(self._windows.items(), 2)):
            if end <= now or len(self._windows) >= self._size:
                del self._windows[key]

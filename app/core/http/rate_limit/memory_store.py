"""The memory store: each process counts for itself."""

from itertools import islice
from time import monotonic
from typing import Final

from app.core.http.rate_limit.store import Window

MAX_WINDOWS: Final = 100_000  # some 20 megabytes


class MemoryStore:
    """Keeps at most `size` windows; a new one evicts the one that ends first."""

    # `hit` has no `await`, so two requests cannot get the same count. The windows in the dict are ordered by their end.
    # A new window removes up to two that have ended, so the memory depends on the number of active users.

    def __init__(self, size: int = MAX_WINDOWS) -> None:
        self._size = size
        self._windows: dict[str, tuple[int, float]] = {}

    async def hit(self, key: str, seconds: int) -> Window:
        now = monotonic()
        hits, end = self._windows.get(key, (0, 0.0))
        if end <= now:
            self._windows.pop(key, None)
            self._make_room(now)
            hits, end = 0, now + seconds
        self._windows[key] = hits + 1, end
        return Window(hits + 1, end - now)

    async def aclose(self) -> None:
        pass

    def _make_room(self, now: float) -> None:
        for key, (_, end) in list(islice(self._windows.items(), 2)):
            if end <= now or len(self._windows) >= self._size:
                del self._windows[key]

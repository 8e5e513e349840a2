"""Concurrency limits: one owner uses a part of the connections at once, and cannot keep all of them from the others.

Sixty counts of a million rows each, asked for at once by one user, would let everybody else wait for seconds.
"""

import asyncio
from collections import defaultdict, deque
from typing import Final

from sqlalchemy import Engine

from app.core.data.errors import OwnerBusy

_OPTION: Final = "limiter"
_PART: Final = 4  # one owner has at most a quarter of the connections
_AT_LEAST: Final = 2  # which is nearly all of a small pool


class ConcurrencyLimiter:
    """Who uses how many connections. An owner with nothing under way costs no memory."""

    def __init__(self, most: int, seconds: float) -> None:
        """Let each owner use so many connections at once, and wait so long for one more."""
        self._most = most
        self._seconds = seconds
        self._used: dict[str, int] = {}
        self._waiting: defaultdict[str, deque[asyncio.Future[None]]] = defaultdict(deque)

    async def acquire(self, owner: str | None) -> None:
        """Wait until the owner may use one more connection; nobody may at once.

        Raises:
            OwnerBusy: those before it take too long.
        """
        if owner is None:
            return
        used = self._used.get(owner, 0)
        if used < self._most:
            self._used[owner] = used + 1
        else:
            await self._wait(owner)

    def release(self, owner: str | None) -> None:
        """Let the owner's next one have the slot."""
        if owner is None:
            return
        if owner in self._waiting:
            self._waiting[owner].popleft().set_result(None)
            self._forget(owner)
        elif (used := self._used[owner] - 1) > 0:
            self._used[owner] = used
        else:
            del self._used[owner]

    async def _wait(self, owner: str) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting[owner].append(turn)
        came: set[asyncio.Future[None]] = set()
        try:
            came, _ = await asyncio.wait([turn], timeout=self._seconds)
        finally:
            if not came:
                self._step_back(owner, turn)
        if not came:
            raise OwnerBusy

    def _step_back(self, owner: str, turn: asyncio.Future[None]) -> None:
        if turn.done():  # it came while the request was being cancelled
            self.release(owner)
        else:
            self._waiting[owner].remove(turn)
            self._forget(owner)

    def _forget(self, owner: str) -> None:
        if not self._waiting[owner]:
            del self._waiting[owner]


class Slot:
    """The turn of one owner at a connection, for as long as a session needs it; nobody's comes at once."""

    __slots__ = ("_is_held", "_limiter", "_owner")

    def __init__(self, engine: Engine, owner: str | None) -> None:
        self._is_held = False
        self._limiter = limiter_of(engine)
        self._owner = owner

    async def acquire(self) -> None:
        """Wait for it.

        Raises:
            OwnerBusy: the owner has too much under way.
        """
        await self._limiter.acquire(self._owner)
        self._is_held = True

    def release(self) -> None:
        """Let the owner's next one have it; a second time does nothing."""
        if self._is_held:
            self._is_held = False
            self._limiter.release(self._owner)

    def __del__(self) -> None:
        self.release()  # of a session that nobody has closed


def limiter_of(engine: Engine) -> ConcurrencyLimiter:
    """Return who uses how many connections of this engine's."""
    limiter: ConcurrencyLimiter = engine.get_execution_options()[_OPTION]
    return limiter


def limit_concurrency(engine: Engine, connections: int, seconds: float) -> None:
    """Let each owner use a part of this engine's connections at once, and wait so many seconds for one more."""
    engine.update_execution_options(**{_OPTION: ConcurrencyLimiter(max(_AT_LEAST, connections // _PART), seconds)})

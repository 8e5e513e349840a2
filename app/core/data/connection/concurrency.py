"""Concurrency limits: one owner uses a part of the connections at once, and cannot keep all of them from the others.

Sixty counts of a million rows each, asked for at once by one user, would let everybody else wait for seconds.
"""

import asyncio
from collections import defaultdict, deque
from typing import Final

from sqlalchemy import Engine

from app.core.data.errors import OwnerBusy

_LIMITER_OPTION: Final = "limiter"
_SHARE: Final = 4  # one owner has at most a quarter of the connections
_MIN_CONNECTIONS: Final = 2  # which is nearly all of a small pool


class ConcurrencyLimiter:
    """Who uses how many connections. An owner with nothing under way costs no memory."""

    def __init__(self, max_connections: int, timeout: float) -> None:
        """Let each owner use so many connections at once, and wait so long for one more."""
        self._max_connections = max_connections
        self._timeout = timeout
        self._in_use: dict[str, int] = {}
        self._waiters: defaultdict[str, deque[asyncio.Future[None]]] = defaultdict(deque)

    async def acquire(self, owner: str | None) -> None:
        """Wait until the owner may use one more connection; nobody may at once.

        Raises:
            OwnerBusy: those before it take too long.
        """
        if owner is None:
            return
        used = self._in_use.get(owner, 0)
        if used < self._max_connections:
            self._in_use[owner] = used + 1
        else:
            await self._wait_for_slot(owner)

    def release(self, owner: str | None) -> None:
        """Let the owner's next one have the slot."""
        if owner is None:
            return
        if owner in self._waiters:
            self._waiters[owner].popleft().set_result(None)
            self._drop_empty_queue(owner)
        elif (used := self._in_use[owner] - 1) > 0:
            self._in_use[owner] = used
        else:
            del self._in_use[owner]

    async def _wait_for_slot(self, owner: str) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters[owner].append(waiter)
        done: set[asyncio.Future[None]] = set()
        try:
            done, _ = await asyncio.wait([waiter], timeout=self._timeout)
        finally:
            if not done:
                self._cancel_wait(owner, waiter)
        if not done:
            raise OwnerBusy

    def _cancel_wait(self, owner: str, waiter: asyncio.Future[None]) -> None:
        if waiter.done():  # it came while the request was being cancelled
            self.release(owner)
        else:
            self._waiters[owner].remove(waiter)
            self._drop_empty_queue(owner)

    def _drop_empty_queue(self, owner: str) -> None:
        if not self._waiters[owner]:
            del self._waiters[owner]


class Slot:
    """The turn of one owner at a connection, for as long as a session needs it; nobody's comes at once."""

    __slots__ = ("_is_acquired", "_limiter", "_owner")

    def __init__(self, engine: Engine, owner: str | None) -> None:
        self._is_acquired = False
        self._limiter = limiter_of(engine)
        self._owner = owner

    async def acquire(self) -> None:
        """Wait for it.

        Raises:
            OwnerBusy: the owner has too much under way.
        """
        await self._limiter.acquire(self._owner)
        self._is_acquired = True

    def release(self) -> None:
        """Let the owner's next one have it; a second time does nothing."""
        if self._is_acquired:
            self._is_acquired = False
            self._limiter.release(self._owner)

    def __del__(self) -> None:
        self.release()  # of a session that nobody has closed


def limiter_of(engine: Engine) -> ConcurrencyLimiter:
    """Return who uses how many connections of this engine's."""
    limiter: ConcurrencyLimiter = engine.get_execution_options()[_LIMITER_OPTION]
    return limiter


def limit_concurrency(engine: Engine, connections: int, timeout: float) -> None:
    """Let each owner use a part of this engine's connections at once, and wait so many seconds for one more."""
    engine.update_execution_options(
        **{_LIMITER_OPTION: ConcurrencyLimiter(max(_MIN_CONNECTIONS, connections // _SHARE), timeout)}
    )

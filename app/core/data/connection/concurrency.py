"""Concurrency limits: one owner uses at most a part of the connection pool at the same time."""

import asyncio
from collections import defaultdict, deque
from typing import Final

from sqlalchemy import Engine

from app.core.data.errors import OwnerBusy

# Without a limit, 60 simultaneous counts of a million rows by one user make every other user wait for seconds.
_LIMITER_OPTION: Final = "limiter"
_POOL_DIVISOR: Final = 4  # one owner uses at most a quarter of the connections
_MIN_CONNECTIONS: Final = 2  # even if the pool has fewer than eight


class ConcurrencyLimiter:
    """A semaphore for each owner, first come, first served. Owners without a running statement take no memory."""

    def __init__(self, max_connections: int, timeout: float) -> None:
        # `timeout`: seconds to wait for a slot
        self._max_connections = max_connections
        self._timeout = timeout
        self._in_use: dict[str, int] = {}
        self._waiters: defaultdict[str, deque[asyncio.Future[None]]] = defaultdict(deque)

    async def acquire(self, owner: str | None) -> None:
        """Wait for a slot of the owner; raise OwnerBusy if none becomes free in time. None has no limit."""
        if owner is None:
            return
        used = self._in_use.get(owner, 0)
        if used < self._max_connections:
            self._in_use[owner] = used + 1
        else:
            await self._wait_for_slot(owner)

    def release(self, owner: str | None) -> None:
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
        if waiter.done():  # it got the slot while the request was cancelled
            self.release(owner)
        else:
            self._waiters[owner].remove(waiter)
            self._drop_empty_queue(owner)

    def _drop_empty_queue(self, owner: str) -> None:
        if not self._waiters[owner]:
            del self._waiters[owner]


class Slot:
    """A slot of an owner, which a session holds while it uses a connection."""

    __slots__ = ("_is_acquired", "_limiter", "_owner")

    def __init__(self, engine: Engine, owner: str | None) -> None:
        self._is_acquired = False
        self._limiter = limiter_of(engine)
        self._owner = owner

    async def acquire(self) -> None:
        await self._limiter.acquire(self._owner)
        self._is_acquired = True

    def release(self) -> None:
        if self._is_acquired:
            self._is_acquired = False
            self._limiter.release(self._owner)

    def __del__(self) -> None:
        self.release()  # the session was not closed


def limiter_of(engine: Engine) -> ConcurrencyLimiter:
    """Return the limiter of this engine."""
    limiter: ConcurrencyLimiter = engine.get_execution_options()[_LIMITER_OPTION]
    return limiter


def limit_concurrency(engine: Engine, connections: int, timeout: float) -> None:
    """Limit each owner to a part of the engine's `connections`; a statement waits `timeout` seconds for a slot."""
    engine.update_execution_options(
        **{_LIMITER_OPTION: ConcurrencyLimiter(max(_MIN_CONNECTIONS, connections // _POOL_DIVISOR), timeout)}
    )

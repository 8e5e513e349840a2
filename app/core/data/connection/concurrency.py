"""Turns: one owner has a part of the connections at once, so that nobody can keep all of them from the others.

Sixty counts of a million rows each, asked for at once by one user, would let everybody else wait for seconds.
"""

import asyncio
from collections import defaultdict, deque
from typing import Final

from sqlalchemy import Engine

from app.core.data.errors import OwnerBusy

_OPTION: Final = "turns"
_PART: Final = 4  # one owner has at most a quarter of the connections
_AT_LEAST: Final = 2  # which is nearly all of a small pool


class Turns:
    """Who uses how many connections. An owner with nothing under way costs no memory."""

    def __init__(self, most: int, seconds: float) -> None:
        """Let each owner use so many connections at once, and wait so long for one more."""
        self._most = most
        self._seconds = seconds
        self._used: dict[str, int] = {}
        self._waiting: defaultdict[str, deque[asyncio.Future[None]]] = defaultdict(deque)

    async def take(self, owner: str | None) -> None:
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

    def give_back(self, owner: str | None) -> None:
        """Let the owner's next one have the turn."""
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
            self.give_back(owner)
        else:
            self._waiting[owner].remove(turn)
            self._forget(owner)

    def _forget(self, owner: str) -> None:
        if not self._waiting[owner]:
            del self._waiting[owner]


class Turn:
    """The turn of one owner at a connection, for as long as a session needs it; nobody's comes at once."""

    __slots__ = ("_is_held", "_owner", "_turns")

    def __init__(self, engine: Engine, owner: str | None) -> None:
        self._is_held = False
        self._turns = turns_of(engine)
        self._owner = owner

    async def take(self) -> None:
        """Wait for it.

        Raises:
            OwnerBusy: the owner has too much under way.
        """
        await self._turns.take(self._owner)
        self._is_held = True

    def give_back(self) -> None:
        """Let the owner's next one have it; a second time does nothing."""
        if self._is_held:
            self._is_held = False
            self._turns.give_back(self._owner)

    def __del__(self) -> None:
        self.give_back()  # of a session that nobody has closed


def turns_of(engine: Engine) -> Turns:
    """Return who uses how many connections of this engine's."""
    turns: Turns = engine.get_execution_options()[_OPTION]
    return turns


def share_fairly(engine: Engine, connections: int, seconds: float) -> None:
    """Let each owner use a part of this engine's connections at once, and wait so many seconds for one more."""
    engine.update_execution_options(**{_OPTION: Turns(max(_AT_LEAST, connections // _PART), seconds)})

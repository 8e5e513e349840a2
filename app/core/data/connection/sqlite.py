"""The connection to SQLite: a short statement runs where the event loop runs, any other aside, in a thread.

To hand a statement to a thread, and its rows back, costs several times what SQLite takes for one row. So a statement
that stands alone runs in the loop, on a connection that only the loop uses. Nothing may keep the loop there:

* A lock is waited for asynchronously. SQLite itself would sleep.
* What takes too long is interrupted, which undoes it, and runs aside from its beginning.
* The disk is waited for in a thread, when the write-ahead log is copied into the database.
"""

import asyncio
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from functools import partial
from time import sleep
from typing import Any, Final

import aiosqlite

from app.core.data.connection.sqlite_loop import (
    BUSY_TIMEOUT,
    MIN_BACKOFF,
    LoopConnection,
    execute_when_unlocked,
    is_select,
    primary_code,
)

_THREAD_EXECUTIONS: Final = 20  # executions of a text that begin aside, after one that had to be run again there
_WRITES_PER_CHECKPOINT: Final = 1024  # until the log is copied, which takes as long as some 50 of them
_LARGE_LOG: Final = 6144  # pages, 24 MB; two times 1024 writes, so that fewer than one in 100 of 16 writers has to wait
_CHECKPOINT_MODES: Final = ("PASSIVE", "PASSIVE", *("FULL",) * 20)  # until one finds that nobody writes
_PRAGMAS: Final = (
    "journal_mode=WAL",  # readers beside the one writer
    "synchronous=NORMAL",
    "foreign_keys=ON",
    "secure_delete=ON",  # what was erased is overwritten, not only let go of
)
_RERUN_CODES: Final = frozenset(
    {
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_ERROR,  # perhaps a function that only the other connection has been given
    }
)


class SqliteConnection(aiosqlite.Connection):
    """A connection of aiosqlite's, which is a thread, and beside it the loop's own to the same file.

    What SQLAlchemy executes, and all that belongs to a transaction, runs on the first. Two connections need no lock
    between two threads: what a cancelled request has left to the thread goes on there, and the loop's is free. The
    price: what a listener to SQLAlchemy's `connect` sets up is set up on the first alone.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(self._connect_both, iter_chunk_size=64)
        self._thread.daemon = True  # as SQLAlchemy has it: what nobody closes does not keep the process
        self._open = partial(_open, *arguments, **options)
        self._in_loop: LoopConnection | None = None
        self._thread_executions: dict[str, int] = {}
        self._writes = 0

    async def execute_fetchall(  # type: ignore[override]  # theirs can be entered as well
        self, sql: str, parameters: Iterable[Any] | None = None
    ) -> list[Any]:
        """Execute, and return all rows; outside of a transaction in the loop, where that is possible.

        Raises:
            sqlite3.Error: it failed, and had no effect.
        """
        values = tuple(parameters or ())
        if self._in_loop and await self._can_run_in_loop(sql):
            try:
                return await execute_when_unlocked(self._in_loop, sql, values)
            except sqlite3.OperationalError as error:
                if primary_code(error) not in _RERUN_CODES:
                    raise
            self._thread_executions[sql] = _THREAD_EXECUTIONS
        return list(await super().execute_fetchall(sql, values))

    async def close(self) -> None:
        """Close both; the loop's first, because the last one to a file waits for the disk."""
        self._close_in_loop()
        await super().close()

    def stop(self) -> asyncio.Future[Any] | None:
        """Close both without waiting."""
        self._close_in_loop()
        return super().stop()

    def _connect_both(self) -> sqlite3.Connection:
        self._in_loop = LoopConnection(self._open())
        return self._open()

    def _close_in_loop(self) -> None:
        if self._in_loop:
            self._in_loop.close()
            self._in_loop = None

    async def _can_run_in_loop(self, sql: str) -> bool:
        if self.in_transaction or self._belongs_in_thread(sql):
            return False
        if is_select(sql) or not self._is_checkpoint_due():
            return True
        await asyncio.to_thread(self._checkpoint)
        return False  # the first write of a log waits for the disk as well

    def _belongs_in_thread(self, sql: str) -> bool:
        """Tell whether the text had to be run again lately. Not for ever: it may have been one user's many rows."""
        left = self._thread_executions.pop(sql, 0)
        if left > 1:
            self._thread_executions[sql] = left - 1
        return left > 0

    def _is_checkpoint_due(self) -> bool:
        self._writes += 1
        return self._writes % _WRITES_PER_CHECKPOINT == 0

    def _checkpoint(self) -> None:
        """Copy the log into the database, so that the next write can begin it anew.

        While it is copied, others write. What they add is copied while they wait, but only if the log is long: that
        of a database that is always written to would have no end.
        """
        with suppress(sqlite3.Error), closing(self._open()) as connection:
            connection.execute("PRAGMA busy_timeout=0")  # it would keep writers waiting while it waits for a reader
            for mode in _CHECKPOINT_MODES:
                busy, pages, _ = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
                if not busy and (mode == "FULL" or pages < _LARGE_LOG):
                    break
                sleep(MIN_BACKOFF)


def _open(*arguments: Any, **options: Any) -> sqlite3.Connection:
    connection: sqlite3.Connection = sqlite3.connect(*arguments, **options | {"timeout": BUSY_TIMEOUT})
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection

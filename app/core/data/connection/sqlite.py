"""The connection to SQLite: a short statement runs where the event loop runs, any other aside, in a thread.

To hand a statement to a thread, and its rows back, costs several times what SQLite takes for one row. So a statement
that stands alone runs in the loop, on a connection that only the loop uses. Nothing may keep the loop there:

* A lock is waited for asynchronously. SQLite itself would sleep.
* What takes too long is interrupted, which undoes it, and runs aside from its beginning.
* The disk is waited for in a thread, when the write-ahead log is copied into the database.
"""

import asyncio
import math
import random
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from functools import partial
from time import perf_counter, sleep
from typing import Any, Final

import aiosqlite

_LOOP_TIME_LIMIT: Final = 0.002  # seconds that a statement may keep the loop
_INSTRUCTIONS_PER_CHECK: Final = 1000  # of SQLite's machine, 20 to 60 microseconds; so often it asks whether to go on
_THREAD_EXECUTIONS: Final = 20  # executions of a text that begin aside, after one that had to be run again there
_BUSY_TIMEOUT: Final = 5.0  # seconds that a statement waits for a lock
_MIN_BACKOFF: Final = 0.001  # seconds between two looks at a lock; each further one is twice as long
_MAX_BACKOFF: Final = 0.016
_WRITES_PER_CHECKPOINT: Final = 1024  # until the log is copied, which takes as long as some 50 of them
_LARGE_LOG: Final = 6144  # pages, 24 MB; two times 1024 writes, so that fewer than one in 100 of 16 writers has to wait
_CHECKPOINT_MODES: Final = ("PASSIVE", "PASSIVE", *("FULL",) * 20)  # until one finds that nobody writes
_PRAGMAS: Final = (
    "journal_mode=WAL",  # readers beside the one writer
    "synchronous=NORMAL",
    "foreign_keys=ON",
    "secure_delete=ON",  # what was erased is overwritten, not only let go of
)
_LOOP_PRAGMAS: Final = (
    "busy_timeout=0",
    "wal_autocheckpoint=32768",  # pages, 128 MB: where the log ends, should everything else fail
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
                return await _execute_when_unlocked(self._in_loop, sql, values)
            except sqlite3.OperationalError as error:
                if _primary_code(error) not in _RERUN_CODES:
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
        if _is_select(sql) or not self._is_checkpoint_due():
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
                sleep(_MIN_BACKOFF)


class LoopConnection:
    """A connection that never keeps its caller for long: it waits for no lock, and interrupts what takes too long."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        connection.isolation_level = None
        for pragma in _LOOP_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.set_progress_handler(self._is_past_deadline, _INSTRUCTIONS_PER_CHECK)
        self._connection = connection
        self._deadline = math.inf

    def execute_fetchall(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        """Execute as a transaction of its own, and return all rows.

        Raises:
            sqlite3.Error: it failed, and had no effect: SQLITE_BUSY, the file is locked; SQLITE_INTERRUPT, it is long.
        """
        if _is_select(sql):
            return self._execute(sql, values)
        # Not in AUTOCOMMIT: there SQLite can be interrupted after it has committed, and say that it has not.
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            rows = self._execute(sql, values)
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.rollback()
        return rows

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def _execute(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        self._deadline = perf_counter() + _LOOP_TIME_LIMIT
        try:
            return self._connection.execute(sql, values).fetchall()
        finally:
            self._deadline = math.inf

    def _is_past_deadline(self) -> bool:
        return perf_counter() > self._deadline


async def _execute_when_unlocked(connection: LoopConnection, sql: str, values: tuple[Any, ...]) -> list[Any]:
    deadline, backoff = perf_counter() + _BUSY_TIMEOUT, _MIN_BACKOFF
    while True:
        try:
            return connection.execute_fetchall(sql, values)
        except sqlite3.OperationalError as error:
            if _primary_code(error) != sqlite3.SQLITE_BUSY or perf_counter() > deadline:
                raise
        await asyncio.sleep(backoff * random.uniform(0.5, 1))  # noqa: S311  # no secret: it parts those who wait
        backoff = min(2 * backoff, _MAX_BACKOFF)


def _open(*arguments: Any, **options: Any) -> sqlite3.Connection:
    connection: sqlite3.Connection = sqlite3.connect(*arguments, **options | {"timeout": _BUSY_TIMEOUT})
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _is_select(sql: str) -> bool:
    return sql.startswith("SELECT")


def _primary_code(error: sqlite3.OperationalError) -> int:
    """SQLite's primary code; 0 for what Python itself has found."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF

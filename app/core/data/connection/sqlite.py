"""The connection to SQLite: short statements run in the event loop, others in a thread."""

# Problem: to send a statement to a thread and its rows back takes several times SQLite's time for one row. Decision: a
# statement outside of a transaction runs in the event loop, on a separate connection. It does not block the event loop:
# * It awaits a lock. SQLite itself would sleep.
# * If it takes too long, it is interrupted, which rolls it back, and runs again in the thread, for 8 seconds at most.
# * A checkpoint, which waits for the disk, runs in a thread.

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

STATEMENT_TIMEOUT: Final = 8.0  # seconds that a statement may run in the thread; as on PostgreSQL, see `pipeline.py`
THREAD_EXECUTIONS: Final = 20  # executions of a statement in the thread after one was interrupted
_WRITES_PER_CHECKPOINT: Final = 1024  # a checkpoint takes as long as about 50 writes
_LARGE_LOG: Final = 6144  # pages, 24 MB; 2 x 1024 writes, so that fewer than 1 in 100 of 16 writers has to wait
_CHECKPOINT_MODES: Final = ("PASSIVE", "PASSIVE", *("FULL",) * 20)  # FULL fails while another connection writes
_PRAGMAS: Final = (
    "journal_mode=WAL",  # readers do not block the writer
    "synchronous=NORMAL",
    "foreign_keys=ON",
    "secure_delete=ON",  # overwrites deleted data with zeros
)
_RERUN_CODES: Final = frozenset(
    {
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_ERROR,  # perhaps a function that only the thread's connection has
    }
)


class SqliteConnection(aiosqlite.Connection):
    """A connection of aiosqlite, which is a thread, and a second connection to the same file for the event loop."""

    # SQLAlchemy's statements and all transactions run on the first. Neither connection waits for the other: a cancelled
    # statement may continue in the thread while the event loop uses the second. Cost: a listener to SQLAlchemy's
    # `connect` event sets up the first only.

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(self._connect_both, iter_chunk_size=64)
        self._thread.daemon = True  # as in SQLAlchemy: an open connection does not keep the process alive
        self._open = partial(_open, *arguments, **options)
        self._in_loop: LoopConnection | None = None
        self._thread_executions: dict[str, int] = {}
        self._writes = 0

    async def execute_fetchall(  # type: ignore[override]  # aiosqlite's also works in `async with`
        self, sql: str, parameters: Iterable[Any] | None = None
    ) -> list[Any]:
        """Execute the statement and return all rows; a statement that raises had no effect."""
        values = tuple(parameters or ())
        if self._in_loop and await self._can_run_in_loop(sql):
            try:
                return await execute_when_unlocked(self._in_loop, sql, values)
            except sqlite3.OperationalError as error:
                if primary_code(error) not in _RERUN_CODES:
                    raise
            self._thread_executions[sql] = THREAD_EXECUTIONS
        return await self._execute_in_thread(sql, values)

    async def close(self) -> None:
        self._close_in_loop()  # first: the last connection to a file makes a checkpoint, in the thread
        await super().close()

    def stop(self) -> asyncio.Future[Any] | None:
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
        return False  # the first write after a checkpoint waits for the disk too

    async def _execute_in_thread(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        # Without a limit, a dear query would occupy the thread, and a core, long after the client has gone.
        timer = asyncio.get_running_loop().call_later(STATEMENT_TIMEOUT, self._conn.interrupt)
        try:
            return list(await super().execute_fetchall(sql, values))
        except asyncio.CancelledError:
            self._conn.interrupt()
            raise
        finally:
            timer.cancel()

    def _belongs_in_thread(self, sql: str) -> bool:
        # Only `THREAD_EXECUTIONS` times: perhaps the statement was slow for one user with many rows only.
        left = self._thread_executions.pop(sql, 0)
        if left > 1:
            self._thread_executions[sql] = left - 1
        return left > 0

    def _is_checkpoint_due(self) -> bool:
        self._writes += 1
        return self._writes % _WRITES_PER_CHECKPOINT == 0

    def _checkpoint(self) -> None:
        # Copies the write-ahead log into the database, so that the next write starts at the beginning of the log.
        # PASSIVE lets others write meanwhile, and leaves their pages in the log. FULL copies these pages too, but it
        # blocks writers, so it is used only if the log is large. With PASSIVE alone, the log would grow forever.
        with suppress(sqlite3.Error), closing(self._open()) as connection:
            connection.execute("PRAGMA busy_timeout=0")  # FULL would block writers while it waits for a reader
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

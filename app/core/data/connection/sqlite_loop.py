"""The connection to SQLite for the event loop, which it never blocks for long."""

import asyncio
import math
import random
import sqlite3
from time import perf_counter
from typing import Any, Final

BUSY_TIMEOUT: Final = 5.0  # seconds that a statement waits for a lock
MIN_BACKOFF: Final = 0.001  # seconds between two attempts to get a lock; doubled after each attempt
MAX_BACKOFF: Final = 0.016
_LOOP_TIME_LIMIT: Final = 0.002  # seconds that a statement may block the event loop
_INSTRUCTIONS_PER_CHECK: Final = 1000  # of SQLite's virtual machine, 20 to 60 microseconds
_PRAGMAS: Final = (
    "busy_timeout=0",
    "wal_autocheckpoint=32768",  # pages, 128 MB: the limit of the log if all other checkpoints fail
)


class LoopConnection:
    """A connection that does not wait for a lock, and interrupts a statement that takes too long."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.set_progress_handler(self._is_past_deadline, _INSTRUCTIONS_PER_CHECK)
        self._connection = connection
        self._deadline = math.inf

    def execute_fetchall(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        """Execute the statement in a separate transaction, and return all rows; if it raises, it had no effect."""
        # Raises SQLITE_BUSY at a lock, and SQLITE_INTERRUPT if it takes too long.
        if is_select(sql):
            return self._execute(sql, values)
        # Not in AUTOCOMMIT, where an interrupt after the commit is reported as a failure.
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            rows = self._execute(sql, values)
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.rollback()
        return rows

    def close(self) -> None:
        self._connection.close()

    def _execute(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        self._deadline = perf_counter() + _LOOP_TIME_LIMIT
        try:
            return self._connection.execute(sql, values).fetchall()
        finally:
            self._deadline = math.inf

    def _is_past_deadline(self) -> bool:
        return perf_counter() > self._deadline


async def execute_when_unlocked(connection: LoopConnection, sql: str, values: tuple[Any, ...]) -> list[Any]:
    """Execute the statement and return all rows; while the database is locked, retry for `BUSY_TIMEOUT` seconds."""
    deadline, backoff = perf_counter() + BUSY_TIMEOUT, MIN_BACKOFF
    while True:
        try:
            return connection.execute_fetchall(sql, values)
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY or perf_counter() > deadline:
                raise
        await asyncio.sleep(backoff * random.uniform(0.5, 1))  # noqa: S311  # no secret: jitter
        backoff = min(2 * backoff, MAX_BACKOFF)


def is_select(sql: str) -> bool:
    """Return whether the statement is a SELECT."""
    return sql.startswith("SELECT")


def primary_code(error: sqlite3.OperationalError) -> int:
    """Return SQLite's primary result code; 0 for an error of the sqlite3 module itself."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF

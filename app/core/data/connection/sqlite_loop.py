"""The event loop's connection to SQLite: it never blocks the loop for long."""

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
    """A connection that raises instead of waiting for a lock, and interrupts a statement that takes too long."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.set_progress_handler(self._is_past_deadline, _INSTRUCTIONS_PER_CHECK)
        self._connection = connection
        self._deadline = math.inf

    def execute_fetchall(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        """Execute the statement in a transaction of its own, and return all rows.

        Raises:
            sqlite3.Error: it failed, and had no effect. SQLITE_BUSY: the database is locked. SQLITE_INTERRUPT: it took
                too long.
        """
        if is_select(sql):
            return self._execute(sql, values)
        # Not in AUTOCOMMIT: there SQLite can be interrupted after the commit, and report a failure.
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
    """Execute the statement and return all rows; while the database is locked, retry for `BUSY_TIMEOUT` seconds.

    Raises:
        sqlite3.Error: it failed, and had no effect.
    """
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
    """Return whether the statement is a SELECT, which only reads."""
    return sql.startswith("SELECT")


def primary_code(error: sqlite3.OperationalError) -> int:
    """Return SQLite's primary result code; 0 for an error of Python's module."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF

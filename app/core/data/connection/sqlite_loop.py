"""The event loop's connection to SQLite."""

import asyncio
import math
import random
import sqlite3
from time import perf_counter
from typing import Any, Final

_LOOP_TIME_LIMIT: Final = 0.002  # seconds that a statement may keep the loop
_INSTRUCTIONS_PER_CHECK: Final = 1000  # of SQLite's machine, 20 to 60 microseconds; so often it asks whether to go on
BUSY_TIMEOUT: Final = 5.0  # seconds that a statement waits for a lock
MIN_BACKOFF: Final = 0.001  # seconds between two looks at a lock; each further one is twice as long
_MAX_BACKOFF: Final = 0.016
_PRAGMAS: Final = (
    "busy_timeout=0",
    "wal_autocheckpoint=32768",  # pages, 128 MB: where the log ends, should everything else fail
)


class LoopConnection:
    """A connection that never keeps its caller for long: it waits for no lock, and interrupts what takes too long."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.set_progress_handler(self._is_past_deadline, _INSTRUCTIONS_PER_CHECK)
        self._connection = connection
        self._deadline = math.inf

    def execute_fetchall(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        """Execute as a transaction of its own, and return all rows.

        Raises:
            sqlite3.Error: it failed, and had no effect: SQLITE_BUSY, the file is locked; SQLITE_INTERRUPT, it is long.
        """
        if is_select(sql):
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


async def execute_when_unlocked(connection: LoopConnection, sql: str, values: tuple[Any, ...]) -> list[Any]:
    """Execute, and return all rows; wait while the database is locked."""
    deadline, backoff = perf_counter() + BUSY_TIMEOUT, MIN_BACKOFF
    while True:
        try:
            return connection.execute_fetchall(sql, values)
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY or perf_counter() > deadline:
                raise
        await asyncio.sleep(backoff * random.uniform(0.5, 1))  # noqa: S311  # no secret: it parts those who wait
        backoff = min(2 * backoff, _MAX_BACKOFF)


def is_select(sql: str) -> bool:
    """Tell whether the statement only reads."""
    return sql.startswith("SELECT")


def primary_code(error: sqlite3.OperationalError) -> int:
    """SQLite's primary code; 0 for what Python itself has found."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF

"""Retries: while the database is briefly unavailable, a statement is retried, a write only if it was not executed."""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.core.data.errors import OutcomeUnknown

logger = logging.getLogger(__name__)

T = TypeVar("T")

BUDGET: Final = 2.5  # seconds: PostgreSQL restarts in one or two, and users do not wait longer
MAX_WAITING: Final = 200  # requests of this process; more would overload the database when it is available again
_MIN_BACKOFF: Final = 0.02  # seconds; doubled after each attempt
_MAX_BACKOFF: Final = 0.4

# The server did not execute the statement, or rolled it back: it shuts down, has too many connections, or found a
# deadlock. 57P02 (crash_shutdown) is not in the list, because it can arrive after a commit.
_NOT_EXECUTED: Final = frozenset({"57P01", "57P03", "53300", "40001", "40P01", "55P03"})
# Citus: the coordinator has lost its connection to a worker node, so it is unknown whether that node has committed.
# The codes are of class 08 (connection_exception), without 08P01 (protocol_violation), which is a bug.
_NODE_LOST: Final = frozenset({"08000", "08001", "08003", "08004", "08006", "08007"})
# PgBouncer uses 08P01 for all errors. It sends the errors with these texts before it forwards a statement.
_NOT_FORWARDED: Final = ("server_login_retry", "query_wait_timeout", "pgbouncer cannot connect to server")

RETRY_COUNTS: Final[Counter[str]] = Counter()
"""The number of retries of this process, by error."""

waiting_retries = 0


async def retry(attempt: Callable[[], Awaitable[T]], *, read_only: bool) -> T:
    """Return the result of `attempt`; while that is safe, retry it for at most `BUDGET` seconds.

    Raises:
        OutcomeUnknown: the connection was lost after a write was sent.
        SQLAlchemyError: the error of the last attempt.
    """
    started, backoff, reasons = time.monotonic(), _MIN_BACKOFF, list[str]()
    try:
        while True:
            try:
                return await attempt()
            except (DBAPIError, PoolTimeout) as error:
                is_late = time.monotonic() - started + backoff > BUDGET
                if not _is_repeatable(error, read_only=read_only) or is_late or waiting_retries >= MAX_WAITING:
                    raise
                reasons.append(_reason(error))
            await _back_off(backoff)
            backoff = min(2 * backoff, _MAX_BACKOFF)
    finally:
        if reasons:
            _log_retries(reasons, time.monotonic() - started)


def _log_retries(reasons: list[str], seconds: float) -> None:
    # One line for each statement, not for each retry.
    RETRY_COUNTS.update(reasons)
    kinds = ", ".join(f"{reason} (no. {RETRY_COUNTS[reason]} of this process)" for reason in dict.fromkeys(reasons))
    logger.warning("sent a statement %d times within %.1f s: %s", len(reasons) + 1, seconds, kinds)


def _reason(error: DBAPIError | PoolTimeout) -> str:
    return type(getattr(error, "orig", None) or error).__name__  # DeadlockDetected, AdminShutdown, OperationalError


async def _back_off(seconds: float) -> None:
    global waiting_retries  # noqa: PLW0603  # the limit is for the whole process
    waiting_retries += 1
    try:
        await asyncio.sleep(seconds * random.uniform(0.5, 1))  # noqa: S311  # no secret: jitter
    finally:
        waiting_retries -= 1


def _is_repeatable(error: DBAPIError | PoolTimeout, *, read_only: bool) -> bool:
    if isinstance(error, PoolTimeout):
        return True
    if error.statement is None or _was_not_executed(error.orig):
        return True
    is_lost = error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _NODE_LOST
    if is_lost and not read_only:
        raise OutcomeUnknown from error
    return is_lost


def _was_not_executed(error: Any) -> bool:
    sqlstate = getattr(error, "sqlstate", None)
    return sqlstate in _NOT_EXECUTED or (sqlstate == "08P01" and any(text in str(error) for text in _NOT_FORWARDED))

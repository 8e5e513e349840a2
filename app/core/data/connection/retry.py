"""Retries: a database that goes away for a moment costs its callers a moment, and never a write twice.

A statement is repeated only where it is known that it was not carried out, or where it only reads. What is not known
is said: the caller must look before asking again.
"""

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

BUDGET: Final = 2.5  # seconds: a restart of PostgreSQL takes one or two, and a person waits no longer
MAX_WAITING: Final = 200  # requests; more of them waiting would only fall upon the database together when it is back
_MIN_BACKOFF: Final = 0.02  # seconds; each further one is twice as long
_MAX_BACKOFF: Final = 0.4

# The server says that it did not carry the statement out: it is going down, or it rolled it back. Not so after a crash
# (57P02), which may come between a commit and its answer.
_NOT_EXECUTED: Final = frozenset({"57P01", "57P03", "53300", "40001", "40P01", "55P03"})
# The server is well and has lost another that it asked, a machine of Citus: nobody knows what that one has stored.
# These are the kinds of connection_exception, but for protocol_violation (08P01), which is a mistake.
_NODE_LOST: Final = frozenset({"08000", "08001", "08003", "08004", "08006", "08007"})
# PgBouncer has one code for everything; these it says before it hands a statement to a server.
_NOT_FORWARDED: Final = ("server_login_retry", "query_wait_timeout", "pgbouncer cannot connect to server")

RETRY_COUNTS: Final[Counter[str]] = Counter()
"""How many attempts this process has made again, by what went wrong with the one before."""

_waiting_retries = 0


async def retry(attempt: Callable[[], Awaitable[T]], *, read_only: bool) -> T:
    """Return what the attempt returns, made again while the database is away, for `BUDGET` seconds at most.

    Raises:
        OutcomeUnknown: the connection broke after a writing statement was sent, or the server's own to another did.
        SQLAlchemyError: what the last attempt raised.
    """
    started, backoff, reasons = time.monotonic(), _MIN_BACKOFF, list[str]()
    try:
        while True:
            try:
                return await attempt()
            except (DBAPIError, PoolTimeout) as error:
                if not _is_repeatable(error, read_only=read_only):
                    raise
                if time.monotonic() - started + backoff > BUDGET or _waiting_retries >= MAX_WAITING:
                    raise
                reasons.append(_reason(error))
            await _back_off(backoff)
            backoff = min(2 * backoff, _MAX_BACKOFF)
    finally:
        if reasons:
            _log_retries(reasons, time.monotonic() - started)


def _log_retries(reasons: list[str], seconds: float) -> None:
    """Leave one line for the request, however often its statement was sent again, and count."""
    RETRY_COUNTS.update(reasons)
    kinds = ", ".join(f"{reason} (no. {RETRY_COUNTS[reason]} of this process)" for reason in dict.fromkeys(reasons))
    logger.warning("sent a statement %d times within %.1f s: %s", len(reasons) + 1, seconds, kinds)


def _reason(error: DBAPIError | PoolTimeout) -> str:
    return type(getattr(error, "orig", None) or error).__name__  # DeadlockDetected, AdminShutdown, OperationalError


async def _back_off(seconds: float) -> None:
    global _waiting_retries  # noqa: PLW0603  # one count for the process is what is meant
    _waiting_retries += 1
    try:
        await asyncio.sleep(seconds * random.uniform(0.5, 1))  # noqa: S311  # no secret: it spreads the callers
    finally:
        _waiting_retries -= 1


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

"""Retries: which statements are retried, and for how long."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import errors
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.core.data.connection import retry as retries
from app.core.data.connection.retry import retry
from app.core.data.errors import OutcomeUnknown

SENT, NOT_SENT = "INSERT ...", None


def failure(driver: Exception, statement: str | None = SENT, *, lost: bool = False) -> DBAPIError:
    error: Any = DBAPIError.instance(statement, None, driver, psycopg.Error, connection_invalidated=lost)
    return error  # type: ignore[no-any-return]


# An error, whether a read is retried after it, and the result of a write: done, the same error, or OutcomeUnknown.
FAILURES: dict[str, tuple[Callable[[], Exception], bool, bool | type[Exception]]] = {
    "no connection": (lambda: failure(psycopg.OperationalError("refused"), NOT_SENT), True, True),
    "no connection is free": (lambda: PoolTimeout("none free"), True, True),
    "the server is going down": (lambda: failure(errors.AdminShutdown("bye"), lost=True), True, True),
    "another backend crashed": (lambda: failure(errors.CrashShutdown("bye"), lost=True), True, OutcomeUnknown),
    "the server is starting": (lambda: failure(errors.CannotConnectNow("wait")), True, True),
    "rolled back: serialization": (lambda: failure(errors.SerializationFailure("no")), True, True),
    "rolled back: deadlock": (lambda: failure(errors.DeadlockDetected("no")), True, True),
    "a lock was not to be had": (lambda: failure(errors.LockNotAvailable("no")), True, True),
    "the pooler has no server": (
        lambda: failure(errors.ProtocolViolation("server login failed (server_login_retry)"), lost=True),
        True,
        True,
    ),
    "the pooler lost the server": (
        lambda: failure(errors.ProtocolViolation("server conn crashed?"), lost=True),
        True,
        OutcomeUnknown,
    ),
    "the connection broke": (lambda: failure(psycopg.OperationalError("broken"), lost=True), True, OutcomeUnknown),
    "the server lost another": (lambda: failure(errors.ConnectionFailure("remote node")), True, OutcomeUnknown),
    "the server met no other": (
        lambda: failure(errors.SqlclientUnableToEstablishSqlconnection("could not connect")),
        True,
        OutcomeUnknown,
    ),
    "not as the protocol says": (lambda: failure(errors.ProtocolViolation("1 parameter")), False, False),
    "it takes too long": (lambda: failure(errors.QueryCanceled("statement_timeout")), False, False),
    "the disk is full": (lambda: failure(errors.DiskFull("full")), False, False),
    "a clash": (lambda: failure(errors.UniqueViolation("there")), False, False),
    "a mistake": (lambda: failure(errors.UndefinedTable("where")), False, False),
}


async def outcome(make: Callable[[], Exception], *, read_only: bool) -> tuple[object, int]:
    """Return the result, where the third attempt succeeds, and the number of attempts."""
    tried = 0

    async def attempt() -> str:
        nonlocal tried
        tried += 1
        if tried < 3:
            raise make()
        return "done"

    try:
        return await retry(attempt, read_only=read_only), tried
    except Exception as error:
        return type(error), tried


@pytest.mark.parametrize("name", FAILURES)
async def test_only_statements_without_effect_are_retried(name: str) -> None:
    make, read_again, written_again = FAILURES[name]
    refused = type(make()), 1

    assert await outcome(make, read_only=True) == (("done", 3) if read_again else refused)
    writing = ("done", 3) if written_again is True else (written_again, 1) if written_again else refused
    assert await outcome(make, read_only=False) == writing


async def test_a_retry_is_logged_and_counted(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "RETRY_COUNTS", Counter())
    await outcome(FAILURES["rolled back: deadlock"][0], read_only=False)
    await outcome(FAILURES["rolled back: deadlock"][0], read_only=False)
    await outcome(FAILURES["a clash"][0], read_only=False)

    assert retries.RETRY_COUNTS == {"DeadlockDetected": 4}
    assert [(record.levelname, re.sub(r"\d\.\d", "0.0", record.getMessage())) for record in caplog.records] == [
        ("WARNING", "sent a statement 3 times within 0.0 s: DeadlockDetected (no. 2 of this process)"),
        ("WARNING", "sent a statement 3 times within 0.0 s: DeadlockDetected (no. 4 of this process)"),
    ]


async def test_a_retry_that_fails_is_logged_too(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "BUDGET", 0.05)

    async def attempt() -> None:
        raise failure(psycopg.OperationalError("refused"), NOT_SENT)

    with pytest.raises(DBAPIError):
        await retry(attempt, read_only=False)

    assert ["OperationalError" in record.getMessage() for record in caplog.records] == [True]


async def test_retries_end_with_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "BUDGET", 0.1)
    tried = 0

    async def attempt() -> None:
        nonlocal tried
        tried += 1
        raise failure(psycopg.OperationalError("refused"), NOT_SENT)

    with pytest.raises(DBAPIError):
        await retry(attempt, read_only=False)

    assert 2 <= tried <= 8  # the first pause is 10 to 20 ms, and each is doubled


async def test_a_statement_is_not_retried_while_too_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "MAX_WAITING", 0)

    assert (await outcome(FAILURES["no connection"][0], read_only=True))[1] == 1
    assert retries.waiting_retries == 0

"""Failures: what a database says is one line, and what is a program's mistake keeps its traceback."""

import sqlite3
from typing import NoReturn

import click
import pytest
from sqlalchemy.exc import InvalidRequestError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.core.cli.failures import explained, refuse_installed
from app.core.data.errors import BackupFailed, InvalidDump, OutcomeUnknown
from app.settings import InvalidSettings
from tests.core.cli.conftest import Invoke


def raising(error: Exception) -> None:
    @explained
    def command() -> NoReturn:
        raise error

    command()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        pytest.param(InvalidSettings("LOG_LEVEL is x"), "LOG_LEVEL is x", id="setting"),
        pytest.param(InvalidDump("line 3: no"), "line 3: no", id="dump"),
        pytest.param(BackupFailed("it is damaged"), "it is damaged", id="backup"),
        pytest.param(OutcomeUnknown(), str(OutcomeUnknown()), id="unknown outcome"),
        pytest.param(
            OperationalError("SELECT 'zebra'", {"a": "zebra"}, Exception("no route\nzebra")),
            "the database cannot be reached; check DATABASE_URL: no route",
            id="away",
        ),
        pytest.param(
            PoolTimeout("the pool is empty"), "the database is busy; try again later: the pool is empty", id="pool"
        ),
        pytest.param(
            ProgrammingError("SELECT 'zebra'", None, sqlite3.DatabaseError("no such table: t")),
            "the database refused a statement: no such table: t",
            id="refused",
        ),
    ],
)
def test_what_an_operator_can_cure_is_one_line_without_statement_or_values(error: Exception, message: str) -> None:
    with pytest.raises(click.ClickException) as shown:
        raising(error)

    assert shown.value.message == message
    assert shown.value.exit_code == 1
    assert shown.value.__suppress_context__


@pytest.mark.parametrize("error", [InvalidRequestError("not so"), SQLAlchemyError("nor so"), LookupError("no")])
def test_a_mistake_of_the_program_is_not_explained_away(error: Exception) -> None:
    with pytest.raises(type(error)) as shown:
        raising(error)

    assert shown.value is error


@pytest.mark.parametrize("arguments", ["migrate", "run --port 0", "dumpdata", "shell"])
def test_a_database_url_that_cannot_be_used_is_one_line(invoke: Invoke, arguments: str) -> None:
    result = invoke(*arguments.split(), MIGRATION_DATABASE_URL="postgresql://alice:hunter2@h/d?schema=public")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: MIGRATION_DATABASE_URL has the option schema, which libpq does not know; ")
    assert result.stderr.count("\n") == 1


def test_an_installed_package_is_not_written_into_and_a_checkout_is(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_installed("nouns")
    monkeypatch.setattr("app.core.cli.failures.IS_CHECKOUT", False)

    with pytest.raises(click.ClickException, match="installed package; write nouns in a checkout of its repository"):
        refuse_installed("nouns")

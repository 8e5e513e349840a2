"""`app user`: what both of its commands refuse, and how they say so."""

import re
from pathlib import Path

import pytest

from app.core.data.schema.migrations import downgrade
from app.testing.databases import Databases, settings_for_tests
from tests.core.cli.conftest import Invoke
from tests.core.cli.user.conftest import PERSON, everything

COMMANDS = [["export", PERSON], ["erase", PERSON, "--yes"]]


def test_where_there_is_nothing_it_says_so_and_does_not_ask(invoke: Invoke, databases: Databases, url: str) -> None:
    before = everything(databases, url)

    export, erase = (invoke("user", verb, "nobody", DATABASE_URL=url) for verb in ("export", "erase"))

    assert (export.exit_code, export.stdout, export.stderr) == (0, "", "the user nobody has no rows\n")
    assert (erase.exit_code, erase.stdout, erase.stderr) == (0, "the user nobody has no rows\n", "")
    assert everything(databases, url) == before


@pytest.mark.parametrize("verb", ["export", "erase"])
@pytest.mark.parametrize(
    "user",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="blank"),
        pytest.param("alice\n", id="newline"),
        pytest.param("alice\x00", id="NUL"),
        pytest.param("alice\udcff", id="no text"),
        pytest.param("a" * 256, id="too long"),
    ],
)
def test_an_id_that_no_token_could_carry_is_refused(invoke: Invoke, verb: str, user: str) -> None:
    result = invoke("user", verb, user)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1] == (
        "Error: Invalid value for 'ID': an id is 1 to 255 printable characters, at least one of them not a space"
    )


@pytest.mark.parametrize("arguments", COMMANDS, ids=["export", "erase"])
def test_a_database_that_lacks_migrations_is_one_line(
    invoke: Invoke, databases: Databases, url: str, arguments: list[str]
) -> None:
    downgrade(settings_for_tests(databases.for_owner(url)), "-1")

    result = invoke("user", *arguments, DATABASE_URL=url)

    assert (result.exit_code, result.stdout) == (1, "")
    assert re.fullmatch(r"Error: the database lacks the migrations \d+; run `app migrate` first\n", result.stderr)


@pytest.mark.parametrize("arguments", COMMANDS, ids=["export", "erase"])
def test_a_database_that_is_not_there_is_one_line_and_is_not_made(
    invoke: Invoke, database: Path, arguments: list[str]
) -> None:
    database.parent.mkdir()

    result = invoke("user", *arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: the database lacks the migrations ")
    assert list(database.parent.iterdir()) == []


@pytest.mark.parametrize("arguments", COMMANDS, ids=["export", "erase"])
def test_a_database_that_is_away_is_one_line_without_the_password(invoke: Invoke, arguments: list[str]) -> None:
    result = invoke("user", *arguments, DATABASE_URL="postgresql://x:hunter2@127.0.0.1:1/x")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: the database cannot be reached; check DATABASE_URL: ")
    assert result.stderr.count("\n") == 1
    assert "hunter2" not in result.stderr


@pytest.mark.parametrize("verb", ["export", "erase"])
def test_each_has_help(invoke: Invoke, verb: str) -> None:
    result = invoke("user", verb, "--help")

    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: app user {verb} [OPTIONS] ID\n")

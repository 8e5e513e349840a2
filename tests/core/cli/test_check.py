"""`app check`: one line a message, and an exit code."""

import json
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

import app.tasks
from app.core.data.schema.migrations import downgrade
from app.core.ops.checks.registry import CHECKS
from app.testing.databases import Databases, SqliteDatabases, settings_for_tests
from tests.core.cli.conftest import Invoke
from tests.core.ops.checks.conftest import RANDOM_SECRET

PRODUCTION = {
    "APP_ENV": "production",
    "BETTER_AUTH_SECRET": RANDOM_SECRET.get_secret_value(),
    "ALLOWED_HOSTS": "api.example.com",
}


def test_nothing_found_is_said(invoke: Invoke, sqlite_databases: SqliteDatabases) -> None:
    result = invoke("check", DATABASE_URL=sqlite_databases.fresh())

    assert (result.exit_code, result.output) == (0, "no problems found\n")


def test_what_is_only_said_is_no_failure(invoke: Invoke, sqlite_databases: SqliteDatabases) -> None:
    result = invoke("check", "--deploy", "--strict", DATABASE_URL=sqlite_databases.fresh(), **PRODUCTION)

    assert result.exit_code == 0
    assert re.fullmatch(r"info: security\.I001: .+\n0 errors, 0 warnings\n", result.output)


def test_an_error_is_one_line_with_its_cure(invoke: Invoke, sqlite_databases: SqliteDatabases) -> None:
    url = sqlite_databases.fresh()
    downgrade(settings_for_tests(url), "base")
    result = invoke("check", DATABASE_URL=url)

    assert result.exit_code == 1
    lacks = r"error: data\.E001: The database lacks 0001, 0002[0-9, ]*\. Run `app migrate`\.\n1 errors, 0 warnings\n"
    assert re.fullmatch(lacks, result.output)


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--strict"], 1)])
def test_a_warning_fails_only_where_that_is_wanted(
    invoke: Invoke, postgres: Databases, options: list[str], code: int
) -> None:
    result = invoke("check", "--deploy", *options, DATABASE_URL=postgres.fresh(), **PRODUCTION)

    assert "warning: security.W001: " in result.output
    assert result.output.endswith("\n0 errors, 1 warnings\n")
    assert result.exit_code == code


def test_findings_are_json_for_a_machine(invoke: Invoke, sqlite_databases: SqliteDatabases) -> None:
    url = sqlite_databases.fresh()
    assert (invoke("check", "--json", DATABASE_URL=url).exit_code) == 0
    assert json.loads(invoke("check", "--json", DATABASE_URL=url).stdout) == []
    result = invoke("check", "--deploy", "--json", DATABASE_URL=url)

    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert [(message["id"], message["level"]) for message in found] == [
        ("security.E004", "error"),
        ("security.W002", "warning"),
        ("security.I001", "info"),
    ]
    assert all(set(message) == {"id", "level", "message", "hint"} for message in found)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"BETTER_AUTH_SECRET": "short"}, "at least 32 characters"),
        ({"BETTER_AUTH_SECRET": "better-auth-secret-12345678901234567890"}, "Better Auth's public default"),
        ({"APP_ENV": "production", "BETTER_AUTH_SECRET": ""}, "BETTER_AUTH_SECRET is required in production"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL"),
    ],
)
def test_a_setting_that_cannot_be_used_is_a_finding(invoke: Invoke, environment: dict[str, str], words: str) -> None:
    result = invoke("check", "--json", **environment)

    assert result.exit_code == 1
    (message,) = json.loads(result.stdout)
    assert message["id"] == "settings.E001"
    assert words in message["message"]


CHECK = """
from app.core.ops.checks import Messages, Context, check

@check("tasks.W901", hint="Do some.")
async def tasks_are_few(context: Context) -> Messages:
    yield "There are many tasks."
"""


def test_a_nouns_own_checks_run_as_well(
    invoke: Invoke, sqlite_databases: SqliteDatabases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "checks.py").write_text(CHECK)
    monkeypatch.setattr(app.tasks, "__path__", [*app.tasks.__path__, str(tmp_path)])
    try:
        result = invoke("check", DATABASE_URL=sqlite_databases.fresh())
    finally:
        sys.modules.pop("app.tasks.checks", None)
        CHECKS.pop("tasks.W901", None)

    expected = "warning: tasks.W901: There are many tasks. Do some.\n0 errors, 1 warnings\n"
    assert (result.exit_code, result.output) == (0, expected)


def test_a_database_of_a_newer_version_is_one_line(invoke: Invoke, sqlite_databases: SqliteDatabases) -> None:
    url = sqlite_databases.fresh()
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    result, strict = invoke("check", DATABASE_URL=url), invoke("check", "--strict", DATABASE_URL=url)

    assert "warning: data.W002: The database is newer than this version, which lacks 9999." in result.output
    assert (result.exit_code, strict.exit_code) == (0, 1)


def test_a_database_url_that_cannot_be_used_is_among_the_findings(invoke: Invoke) -> None:
    result = invoke("check", "--json", DATABASE_URL="postgresql://alice:hunter2@h/d?pgbouncer=true")

    (found,) = json.loads(result.stdout)
    assert (result.exit_code, found["id"]) == (1, "settings.E001")
    assert found["message"] == "DATABASE_URL has the option pgbouncer, which libpq does not know; leave it out."

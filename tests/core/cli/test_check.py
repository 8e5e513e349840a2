"""`app check`: one line a finding, and an exit code."""

import sqlite3

from app.core.data.migrations import downgrade
from app.testing.databases import Databases, settings_for_tests
from tests.core.cli.conftest import Invoke


def test_nothing_found_is_said(invoke: Invoke, sqlite_databases: Databases) -> None:
    result = invoke("check", "--deploy", DATABASE_URL=sqlite_databases.fresh())

    assert (result.exit_code, result.output) == (0, "nothing found\n")


def test_an_error_is_one_line_with_its_cure(invoke: Invoke, sqlite_databases: Databases) -> None:
    url = sqlite_databases.fresh()
    downgrade(settings_for_tests(url), "base")
    result = invoke("check", DATABASE_URL=url)

    assert result.exit_code == 1
    assert result.output.startswith("error: data.E001: ")
    assert "app migrate" in result.output


def test_a_database_of_a_newer_version_is_one_line(invoke: Invoke, sqlite_databases: Databases) -> None:
    url = sqlite_databases.fresh()
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    result = invoke("check", DATABASE_URL=url)

    assert result.exit_code == 1
    assert "this version has not" in result.output

"""`app migrate`: to the newest migration and not beyond it, and `--check` only looks."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import NullPool

from app.core.data.schema.migrations import downgrade, pending
from app.testing.databases import Databases, settings_for_tests
from tests.core.cli.conftest import Invoke

FIRST = "0001"


def tables_of(database: Path) -> set[str]:
    return set(inspect(create_engine(f"sqlite:///{database}", poolclass=NullPool)).get_table_names())


def test_a_fresh_file_gets_every_migration_and_a_second_call_has_nothing_to_do(invoke: Invoke, database: Path) -> None:
    database.parent.mkdir()

    first, second = invoke("migrate"), invoke("migrate")

    assert (first.exit_code, first.stderr) == (0, "")
    assert first.stdout.startswith(f"applied {FIRST}")
    assert "tasks" in tables_of(database)
    assert (second.exit_code, second.stdout, second.stderr) == (0, "nothing to apply\n", "")


def test_the_folder_of_the_file_is_made_as_well(invoke: Invoke, database: Path) -> None:
    result = invoke("migrate")

    assert (result.exit_code, result.stderr) == (0, "")
    assert "tasks" in tables_of(database)


def test_a_folder_that_cannot_be_made_is_one_line(invoke: Invoke, database: Path) -> None:
    database.parent.write_text("a file, where a folder would have to be")

    result = invoke("migrate")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: DATABASE_URL is a SQLite file in {database.parent}, which cannot be made: File exists; make it, or set"
        " DATABASE_URL to another database\n"
    )


def test_check_fails_where_a_migration_is_missing_and_succeeds_where_none_is(invoke: Invoke, database: Path) -> None:
    database.parent.mkdir()

    before = invoke("migrate", "--check")
    invoke("migrate")
    after = invoke("migrate", "--check")

    assert (before.exit_code, before.stdout) == (1, "")
    assert before.stderr.startswith(f"Error: the database lacks {FIRST}")
    assert before.stderr.endswith("; run `app migrate`\n")
    assert (after.exit_code, after.stdout, after.stderr) == (0, "nothing to apply\n", "")


@pytest.mark.parametrize("has_folder", [True, False], ids=["folder", "no folder"])
def test_check_changes_nothing(invoke: Invoke, database: Path, has_folder: bool) -> None:
    if has_folder:
        database.parent.mkdir()

    result = invoke("migrate", "--check")

    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: the database lacks {FIRST}")
    assert not database.exists()
    assert database.parent.exists() == has_folder


def test_it_works_on_both_databases(invoke: Invoke, databases: Databases) -> None:
    url = databases.for_owner(databases.fresh())
    settings = settings_for_tests(url)
    downgrade(settings, "base")

    assert invoke("migrate", "--check", DATABASE_URL=url).exit_code == 1
    assert invoke("migrate", DATABASE_URL=url).stdout.startswith(f"applied {FIRST}")
    assert invoke("migrate", "--check", DATABASE_URL=url).exit_code == 0
    assert pending(settings) == []


def test_the_direct_endpoint_is_used_where_one_is_set(invoke: Invoke, database: Path, tmp_path: Path) -> None:
    direct = tmp_path / "direct.db"

    result = invoke("migrate", MIGRATION_DATABASE_URL=f"sqlite:///{direct}")

    assert result.exit_code == 0
    assert "tasks" in tables_of(direct)
    assert not database.exists()


@pytest.mark.parametrize("arguments", [[], ["--check"]], ids=["migrate", "check"])
def test_a_database_that_is_away_is_one_line_without_the_password(invoke: Invoke, arguments: list[str]) -> None:
    result = invoke("migrate", *arguments, DATABASE_URL="postgresql://x:hunter2@127.0.0.1:1/x")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: the database cannot be reached: ")
    assert result.stderr.count("\n") == 1
    assert "hunter2" not in result.stderr


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("hunter2", id="no URL"),
        pytest.param("mysql://x:hunter2@127.0.0.1/x", id="another database"),
        pytest.param("postgresql://x:y@127.0.0.1:hunter2/x", id="a port that is no number"),
    ],
)
def test_a_url_that_cannot_be_used_is_one_line_that_does_not_repeat_it(invoke: Invoke, url: str) -> None:
    result = invoke("migrate", DATABASE_URL=url)

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: DATABASE_URL ")
    assert result.stderr.count("\n") == 1
    assert "hunter2" not in result.stderr


def test_a_file_that_is_no_database_is_one_line(invoke: Invoke, tmp_path: Path) -> None:
    other = tmp_path / "letter.txt"
    other.write_text("Dear database,\n" * 100)

    result = invoke("migrate", DATABASE_URL=f"sqlite:///{other}")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert other.read_text() == "Dear database,\n" * 100

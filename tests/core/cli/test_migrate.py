"""`app migrate`: to the newest migration and not beyond it, and `--check` only looks."""

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import NullPool

from app.core.data.schema.migrations import downgrade
from app.core.data.schema.revisions import applied, pending
from app.testing.databases import Databases, PostgresDatabases, settings_for_tests
from tests.core.cli.conftest import Invoke
from tests.core.conftest import WriteMigration
from tests.parts.history import NEWEST, NEXT, NEXT_BUT_ONE, REVISIONS, TITLES

FIRST = "0001"


def tables_of(database: Path) -> set[str]:
    return set(inspect(create_engine(f"sqlite:///{database}", poolclass=NullPool)).get_table_names())


def test_a_fresh_file_gets_every_migration_and_a_second_call_has_nothing_to_do(invoke: Invoke, database: Path) -> None:
    database.parent.mkdir()

    first, second = invoke("migrate"), invoke("migrate")

    assert (first.exit_code, first.stderr) == (0, "")
    said = first.stdout.splitlines()
    assert said[0].startswith(f"to apply: {FIRST} (tasks), 0002 (projects)")
    assert said[1].startswith(f"applied {FIRST} (tasks) in 0.")
    assert "tasks" in tables_of(database)
    assert (second.exit_code, second.stdout, second.stderr) == (0, "nothing to apply\n", "")


def test_the_folder_of_the_file_is_made_as_well(invoke: Invoke, database: Path) -> None:
    result = invoke("migrate")

    assert (result.exit_code, result.stderr) == (0, "")
    assert "tasks" in tables_of(database)


def test_a_folder_that_cannot_be_made_is_one_line(invoke: Invoke, database: Path) -> None:
    database.parent.write_text("a file, where a folder would have to be")

    result = invoke("migrate")

    assert result.exit_code == 1
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
    assert f"applied {FIRST} (tasks) in " in invoke("migrate", DATABASE_URL=url).stdout
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
    assert result.stderr.startswith("Error: the database cannot be reached; check DATABASE_URL: ")
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


def test_back_it_asks_and_forwards_again_it_does_not(invoke: Invoke, databases: Databases) -> None:
    url = databases.for_owner(databases.fresh())
    settings = settings_for_tests(url)

    goal, between_them, newest = REVISIONS[-3:]
    refused = invoke("migrate", "--to", goal, DATABASE_URL=url)
    before = applied(settings)
    back = invoke("migrate", "--to", goal, "--yes", DATABASE_URL=url)
    between = applied(settings)
    forwards = invoke("migrate", "--to", between_them, DATABASE_URL=url)

    assert (refused.exit_code, before) == (1, (newest,))
    assert refused.stdout.startswith(f"to revert: {TITLES[-1]}, {TITLES[-2]}\nThis deletes what")
    assert (back.exit_code, between) == (0, (goal,))
    assert [line.partition(" in ")[0] for line in back.stdout.splitlines()[1:]] == [
        f"reverted {TITLES[-1]}",
        f"reverted {TITLES[-2]}",
    ]
    assert (forwards.exit_code, applied(settings)) == (0, (between_them,))


def test_all_of_them_can_be_taken_back(invoke: Invoke, database: Path) -> None:
    invoke("migrate")

    assert invoke("migrate", "--to", "base", "--yes").exit_code == 0
    assert tables_of(database) == {"alembic_version"}
    assert invoke("migrate", "--to", "base").stdout == "nothing to apply\n"


def test_a_revision_that_is_not_there_is_one_line(invoke: Invoke) -> None:
    result = invoke("migrate", "--to", "0815")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: there is no migration '0815'; there are {', '.join(REVISIONS)}\n"


def test_where_the_database_is_newer_there_is_nothing_to_apply(invoke: Invoke, write_migration: WriteMigration) -> None:
    newer = write_migration("0099", "op.execute('CREATE TABLE newer (id int)')")
    invoke("migrate")
    newer.unlink()

    result, back = invoke("migrate"), invoke("migrate", "--to", "0002", "--yes")

    expected = "the database is newer than this version, which lacks 0099: nothing to apply\n"
    assert (result.exit_code, result.stdout, result.stderr) == (0, expected, "")
    assert (back.exit_code, back.stdout) == (1, "")
    assert back.stderr == "Error: the database has 0099: revert it with the version that has it\n"


@pytest.mark.parametrize("arguments", [["migrate"], ["migrate", "--check"], ["run"], ["makemigrations", "more"]])
@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ((f"{NEXT}_a", NEXT_BUT_ONE), f"the migrations {NEXT}_a and {NEXT_BUT_ONE} are both the newest"),
        ((NEXT, NEXT), f"{NEXT}.py and {NEXT}_other.py are both the migration {NEXT}"),
    ],
    ids=["two newest", "two of a name"],
)
def test_migrations_that_do_not_follow_each_other_are_one_line(
    invoke: Invoke, write_migration: WriteMigration, arguments: list[str], names: tuple[str, str], sentence: str
) -> None:
    first = write_migration(names[0], "pass", after=NEWEST)
    if names[0] == names[1]:
        (first.parent / f"{NEXT}_other.py").write_text(first.read_text())
    else:
        write_migration(names[1], "pass", after=NEWEST)

    result = invoke(*arguments)

    assert result.exit_code == 1
    assert result.stderr == f"Error: {sentence}: run `app makemigrations --merge`\n"


def test_the_sql_is_printed_and_nothing_is_changed(
    invoke: Invoke, databases: Databases, write_migration: WriteMigration
) -> None:
    url = databases.for_owner(databases.fresh())
    index = "op.create_index('ix_tasks_title', 'tasks', ['title'])"
    up = f"with op.online():\n    op.fill_empty('tasks', 'description', 'none')\n    {index}"
    write_migration("0099", up, "op.drop_index('ix_tasks_title', 'tasks')")

    result = invoke("migrate", "--sql", DATABASE_URL=url)
    still = applied(settings_for_tests(url))
    invoke("migrate", DATABASE_URL=url)
    back = invoke("migrate", "--to", NEWEST, "--sql", DATABASE_URL=url)

    concurrently = "" if url.startswith("sqlite") else "CONCURRENTLY "
    assert result.exit_code == 0, result.stderr
    assert still == (NEWEST,)
    assert f"CREATE INDEX {concurrently}ix_tasks_title ON tasks (title);" in result.stdout
    assert "UPDATE tasks SET description='none' WHERE tasks.description IS NULL;" in result.stdout
    assert f"SET version_num='0099' WHERE alembic_version.version_num = '{NEWEST}';" in result.stdout
    assert "SELECT" not in result.stdout
    assert "DROP INDEX ix_tasks_title;" in back.stdout
    assert applied(settings_for_tests(url)) == ("0099",)


def test_the_sql_of_all_migrations_makes_a_database(invoke: Invoke, databases: Databases, database: Path) -> None:
    url = databases.for_owner(databases.fresh())
    downgrade(settings_for_tests(url), "base")

    result = invoke("migrate", "--sql", DATABASE_URL=url)

    assert result.exit_code == 0, result.stderr
    assert "CREATE TABLE tasks (" in result.stdout
    assert result.stdout.rstrip().endswith("COMMIT;")
    assert not database.exists()


@pytest.mark.slow
def test_who_is_in_the_way_is_said_and_the_wait_is_bounded(
    invoke: Invoke, postgres: PostgresDatabases, write_migration: WriteMigration
) -> None:
    url = postgres.fresh()
    write_migration("0099", "op.add_column('tasks', sa.Column('colour', sa.Text()))")
    with psycopg.connect(url) as connection:
        connection.execute("SELECT count(*) FROM tasks")
        result = invoke("migrate", "--wait", "1", DATABASE_URL=url)

    assert result.exit_code == 1
    waiting, error = result.stderr.splitlines()
    assert waiting.startswith("waiting for process ")
    assert error.startswith("Error: waiting for process ")
    assert error.endswith("; gave up after 1 s, run it again later")


@pytest.mark.slow
def test_on_sqlite_a_writer_is_waited_for_and_named(invoke: Invoke, database: Path) -> None:
    """SQLite itself waits for 5 seconds first."""
    invoke("migrate", "--to", FIRST)
    with closing(sqlite3.connect(database, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")

        looked, result = invoke("migrate", "--check"), invoke("migrate", "--wait", "0")

    assert looked.stderr.startswith("Error: the database lacks")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: waiting for another connection that is writing")
    assert invoke("migrate").exit_code == 0

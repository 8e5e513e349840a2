"""`app restore`: what `app backup` wrote is put back, all of it or nothing."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import make_url

from app.core.data.schema.migrations import downgrade
from app.testing.databases import Databases, PostgresDatabases, SqliteDatabases, settings_for_tests
from tests.core.cli.backup.conftest import Site
from tests.core.cli.conftest import Invoke
from tests.parts.dumps import dumped

# A restore connects as the owner of the tables: with another role beside it, only what it leaves to that role differs.
OWNERS_ALONE = pytest.mark.quick_on("sqlite", "postgres")


def test_what_was_backed_up_is_restored_into_an_empty_database(
    invoke: Invoke, databases: Databases, site: Site, backup: Path
) -> None:
    other = Site(databases)

    result = invoke("restore", str(backup), **other.settings)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"restored {backup} into ")
    assert "migrate" not in result.stdout
    assert other.rows() == site.rows()
    assert other.findings() == site.findings()
    assert not [found for found in other.findings() if found.startswith("data.")]


@OWNERS_ALONE
def test_what_would_be_lost_is_told_and_asked(invoke: Invoke, databases: Databases, site: Site, backup: Path) -> None:
    site.do("DELETE FROM tasks", "UPDATE projects SET name = 'later'")
    later = site.rows()

    asked = invoke("restore", str(backup), **site.settings)

    assert (asked.exit_code, asked.stdout) == (1, "")
    assert asked.stderr.startswith("projects: 2 stored\nReplace all of these rows in ")
    assert (make_url(site.url).database or "") in asked.stderr
    assert site.rows() == later
    assert invoke("restore", str(backup), "--yes", **site.settings).exit_code == 0
    assert len(site.rows()) == 10
    assert site.rows() != later


@OWNERS_ALONE
def test_tables_that_came_later_go_away(invoke: Invoke, databases: Databases, site: Site, backup: Path) -> None:
    before = site.objects()
    site.do(
        "CREATE TABLE notes (user_id varchar NOT NULL, project_id bigint,"
        " FOREIGN KEY (user_id, project_id) REFERENCES projects (user_id, id))",
        "CREATE VIEW titles AS SELECT title FROM tasks",
    )
    if "sqlite" not in site.url:
        site.do(
            "CREATE FUNCTION notes_owner_is_final() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
            "CREATE TRIGGER t BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION notes_owner_is_final()",
            "CREATE TYPE mood AS ENUM ('good', 'bad')",
            "ALTER TABLE tasks ADD COLUMN mood mood",
        )
    rows = site.rows()
    assert site.objects() > before

    result = invoke("restore", str(backup), "--yes", **site.settings)

    assert (result.exit_code, result.stderr) == (0, "")
    assert site.rows() == rows
    assert site.objects() == before


def test_a_backup_with_fewer_migrations_is_restored_and_says_so(
    invoke: Invoke, databases: Databases, tmp_path: Path
) -> None:
    site, path = Site(databases), tmp_path / "a.backup"
    downgrade(settings_for_tests(site.owner), "0001")
    assert invoke("backup", str(path), **site.settings).exit_code == 0
    assert invoke("migrate", **site.settings).exit_code == 0

    result = invoke("restore", str(path), **site.settings)

    assert (result.exit_code, result.stderr) == (0, "")
    assert "the backup lacks the migrations 0002, " in result.stdout
    assert result.stdout.endswith("; run `app migrate`\n")
    assert invoke("migrate", **site.settings).exit_code == 0
    assert not [found for found in site.findings() if found.startswith("data.")]


PAGE = 4096
Spoil = Callable[[bytes], bytes]


def zeroed(whole: bytes, start: int, length: int) -> bytes:
    return whole[:start] + bytes(length) + whole[start + length :]


def without_rows(whole: bytes) -> bytes:
    if whole.startswith(b"PGDMP"):
        return zeroed(whole, whole.index(b"\x78\x9c"), 100)  # pg_dump compresses rows: these bytes begin a zlib stream
    return zeroed(whole, whole.index(b"alice") // PAGE * PAGE, PAGE)


DAMAGE: Final[dict[str, Spoil]] = {
    "empty": lambda whole: b"",
    "a letter": lambda whole: b"Dear database,\n" * 1000,
    "its beginning": lambda whole: whole[:40],
    "half": lambda whole: whole[: len(whole) // 2],
    "all but a page": lambda whole: whole[:-PAGE],
    "all but 100 bytes": lambda whole: whole[:-100],
    "zeros in the header": lambda whole: zeroed(whole, 16, 84),
    "zeros in the first page": lambda whole: zeroed(whole, 100, 2000),
    "zeros in the rows": without_rows,
}


@OWNERS_ALONE
def test_a_damaged_backup_is_refused_and_changes_nothing(
    invoke: Invoke, databases: Databases, site: Site, tmp_path: Path
) -> None:
    before, backup = site.rows(), tmp_path / "a.backup"
    # More empty tables than SQLite has free pages: the last page of the file is empty, and SQLite misses none of it.
    site.do(*(f"CREATE TABLE empty_{number} (id bigint)" for number in range(9)))
    assert invoke("backup", str(backup), **site.settings).exit_code == 0
    whole = backup.read_bytes()

    for name, spoil in DAMAGE.items():  # one database for all of them: none changes it
        backup.write_bytes(spoil(whole))
        result = invoke("restore", str(backup), "--yes", **site.settings)
        assert (result.exit_code, result.stdout) == (1, ""), name
        assert result.stderr.startswith("Error: "), name
        assert result.stderr.count("\n") == 1, name
        assert site.rows() == before, name


def test_a_backup_of_the_other_kind_is_one_sentence(
    invoke: Invoke, postgres: PostgresDatabases, sqlite_databases: SqliteDatabases, tmp_path: Path
) -> None:
    one, other, path = Site(postgres), Site(sqlite_databases), tmp_path / "a.backup"

    for source, target, kinds in ((one, other, ("PostgreSQL", "SQLite")), (other, one, ("SQLite", "PostgreSQL"))):
        assert invoke("backup", "--force", str(path), **source.settings).exit_code == 0
        result = invoke("restore", str(path), **target.settings)
        assert result.exit_code == 1
        assert result.stderr.startswith(f"Error: {path} is a backup of {kinds[0]}, and ")
        assert result.stderr.endswith(f" is {kinds[1]}\n")


@OWNERS_ALONE
def test_a_migration_that_is_unknown_here_is_one_sentence(
    invoke: Invoke, databases: Databases, site: Site, tmp_path: Path
) -> None:
    path = tmp_path / "a.backup"
    site.do("UPDATE alembic_version SET version_num = '9999'")
    assert invoke("backup", str(path), **site.settings).exit_code == 0
    site.do("DELETE FROM tasks")

    result = invoke("restore", str(path), "--yes", **site.settings)

    assert result.exit_code == 1
    assert result.stderr == f"Error: {path} has the migration 9999, unknown to this version; update it\n"
    assert len(site.rows()) == 2


def test_a_sqlite_file_that_is_not_there_is_made_by_a_restore(
    invoke: Invoke, sqlite_databases: SqliteDatabases, database: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.backup"
    assert invoke("backup", str(path), **Site(sqlite_databases).filled().settings).exit_code == 0

    assert invoke("restore", str(path)).exit_code == 0
    assert len(asyncio.run(dumped(f"sqlite:///{database}"))) == 10

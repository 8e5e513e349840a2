"""`app backup`: a whole file, or a sentence and none."""

import stat
from pathlib import Path

import pytest

from app.core.data.schema.migrations import downgrade
from app.testing.databases import Databases, SqliteDatabases, settings_for_tests
from tests.core.cli.backup.conftest import Site
from tests.core.cli.conftest import Invoke


def test_a_backup_is_a_new_file_that_nobody_else_may_read(
    invoke: Invoke, databases: Databases, site: Site, backup: Path
) -> None:
    before = backup.read_bytes()

    again = invoke("backup", str(backup), **site.settings)

    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr == f"Error: {backup} already exists; choose another name, or replace it with --force\n"
    assert backup.read_bytes() == before
    assert invoke("backup", str(backup), "--force", **site.settings).exit_code == 0
    assert list(backup.parent.iterdir()) == [backup]


def test_a_database_without_migrations_is_not_backed_up(invoke: Invoke, databases: Databases, tmp_path: Path) -> None:
    site = Site(databases)
    downgrade(settings_for_tests(site.owner), "base")

    result = invoke("backup", str(tmp_path / "a.backup"), **site.settings)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith("has no migrations, so no tables of this project; run `app migrate` first\n")
    assert not (tmp_path / "a.backup").exists()


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_role_that_sees_nobodys_rows_is_one_line(
    invoke: Invoke, restricted: Databases, tmp_path: Path, command: str
) -> None:
    path = tmp_path / "a.backup"
    if command == "restore":
        path.touch()

    result = invoke(command, str(path), DATABASE_URL=restricted.fresh())

    assert (result.exit_code, result.stdout) == (1, "")
    assert "MIGRATION_DATABASE_URL" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_sqlite_file_that_is_not_there_is_one_line_and_is_not_made(
    invoke: Invoke, database: Path, tmp_path: Path
) -> None:
    result = invoke("backup", str(tmp_path / "a.backup"))

    assert (result.exit_code, result.stderr) == (1, f"Error: there is no database {database}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [("backup", "--force"), ("restore", "--yes")], ids=["backup", "restore"])
def test_the_database_itself_is_no_backup(
    invoke: Invoke, sqlite_databases: SqliteDatabases, arguments: tuple[str, ...]
) -> None:
    site = Site(sqlite_databases).filled()
    file = site.url.removeprefix("sqlite:///")

    result = invoke(*arguments, file, **site.settings)

    assert (result.exit_code, result.stderr) == (1, f"Error: {file} is the database itself; name another file\n")
    assert len(site.rows()) == 10


def test_a_folder_that_is_not_there_is_one_line(invoke: Invoke, databases: Databases, tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "a.backup"

    result = invoke("backup", str(path), **Site(databases).settings)

    assert (result.exit_code, result.stderr) == (1, f"Error: cannot write {path}: No such file or directory\n")

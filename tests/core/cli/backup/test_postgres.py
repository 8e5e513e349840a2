"""Backups of PostgreSQL: programs that are too old or fail, and the roles that a backup names."""

from pathlib import Path

import pytest
from sqlalchemy import text

from app.core.data.connection.engine import database_url
from app.core.data.schema.engines import migration_engine
from app.core.data.schema.running.backoff import Backoff
from app.core.data.schema.running.locks import migration_lock
from app.core.data.transfer.backup import postgres as backup_of_postgres
from app.testing.databases import Databases, PostgresDatabases
from tests.core.cli.backup.conftest import Site
from tests.core.cli.conftest import Invoke
from tests.parts.programs import PROGRAMS, write_program


def test_a_pg_dump_that_is_older_than_the_server_is_one_line(
    invoke: Invoke, postgres: PostgresDatabases, tmp_path: Path
) -> None:
    path = tmp_path / "a.backup"
    older = write_program(tmp_path, "pg_dump", "echo 'pg_dump (PostgreSQL) 9.6.1'")

    result = invoke("backup", str(path), PATH=older, **Site(postgres).settings)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: pg_dump has version 9 and the server ")
    assert "app dumpdata" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not path.exists()


def test_a_pg_dump_that_fails_leaves_no_file(invoke: Invoke, postgres: PostgresDatabases, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    fails = 'if [ "$1" = --version ]; then echo "pg_dump (PostgreSQL) 99"; else echo "oh: error: no" >&2; exit 1; fi'
    path = write_program(tmp_path, "pg_dump", fails)

    result = invoke("backup", str(folder / "a.backup"), PATH=path, **Site(postgres).settings)

    assert (result.exit_code, result.stderr) == (1, "Error: pg_dump failed: no\n")
    assert list(folder.iterdir()) == []


def test_a_role_that_is_not_there_is_one_line_and_changes_nothing(
    invoke: Invoke, postgres: PostgresDatabases, tmp_path: Path
) -> None:
    site, path = Site(postgres).filled(), tmp_path / "a.backup"
    site.do(f"CREATE ROLE gone_{postgres.role}", f"GRANT SELECT ON tasks TO gone_{postgres.role}")
    assert invoke("backup", str(path), **site.settings).exit_code == 0
    site.do(f"REVOKE ALL ON tasks FROM gone_{postgres.role}", f"DROP ROLE gone_{postgres.role}")
    before = site.rows()

    result = invoke("restore", str(path), "--yes", **site.settings)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f'Error: psql failed: role "gone_{postgres.role}" does not exist\n'
    assert site.rows() == before


def test_what_a_role_is_granted_on_later_tables_is_not_granted_on_restored_ones(
    invoke: Invoke, postgres: PostgresDatabases, restricted: Databases, tmp_path: Path
) -> None:
    site, path = Site(restricted).filled(), tmp_path / "a.backup"
    grant = "ALTER DEFAULT PRIVILEGES {} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {}"
    site.do(grant.format("IN SCHEMA public", postgres.role), grant.format("", postgres.role))
    assert invoke("backup", str(path), **site.settings).exit_code == 0
    before = site.findings()

    for _ in range(2):  # they are there again for the second time
        assert invoke("restore", str(path), "--yes", **site.settings).exit_code == 0
        assert site.findings() == before
    site.do("CREATE TABLE later (id int)")
    with migration_engine(database_url(site.url)).connect() as connection:
        assert connection.execute(text("SELECT * FROM later")).all() == []


def test_what_another_owner_grants_on_later_tables_is_left_out(
    invoke: Invoke, postgres: PostgresDatabases, tmp_path: Path
) -> None:
    site, path, owner = Site(postgres).filled(), tmp_path / "a.backup", f"former_{postgres.role}"
    site.do(f"CREATE ROLE {owner}", f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT ON TABLES TO public")
    assert invoke("backup", str(path), **site.settings).exit_code == 0
    site.do(f"DROP OWNED BY {owner}", f"DROP ROLE {owner}")

    result = invoke("restore", str(path), "--yes", **site.settings)

    assert (result.exit_code, result.stderr) == (0, "")


def test_a_backup_of_a_newer_pg_dump_is_one_line(invoke: Invoke, postgres: PostgresDatabases, tmp_path: Path) -> None:
    site, path = Site(postgres), tmp_path / "a.backup"
    assert invoke("backup", str(path), **site.settings).exit_code == 0
    whole = path.read_bytes()
    path.write_bytes(whole[:6] + bytes([whole[6] + 9]) + whole[7:])  # the minor version of the format

    result = invoke("restore", str(path), "--yes", **site.settings)

    assert (result.exit_code, result.stdout) == (1, "")
    assert "a newer pg_dump wrote it; put the client programs of that version first on PATH\n" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_pg_restore_that_ends_in_the_middle_changes_nothing(
    invoke: Invoke, postgres: PostgresDatabases, tmp_path: Path
) -> None:
    site, path = Site(postgres).filled(), tmp_path / "a.backup"
    assert invoke("backup", str(path), **site.settings).exit_code == 0
    before = site.rows()
    real = f'{PROGRAMS}/pg_restore "$@"'
    ends = f'case "$*" in *--clean*) {real} | head -c 20000; exit 1;; *) exec {real};; esac'
    fake = write_program(tmp_path, "pg_restore", ends)

    result = invoke("restore", str(path), "--yes", PATH=fake, **site.settings)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: pg_restore failed: ")
    assert site.rows() == before


@pytest.mark.parametrize("knows_it", [True, False], ids=["18", "16"])
def test_an_older_server_is_not_told_of_a_setting_that_it_does_not_know(
    invoke: Invoke, postgres: PostgresDatabases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, knows_it: bool
) -> None:
    site, path = Site(postgres).filled(), tmp_path / "a.backup"
    assert invoke("backup", str(path), **site.settings).exit_code == 0
    monkeypatch.setattr(backup_of_postgres, "_TRANSACTION_TIMEOUT_SINCE", 17 if knows_it else 999)
    noting = write_program(tmp_path, "psql", f'tee {tmp_path}/script | {PROGRAMS}/psql "$@"')

    result = invoke("restore", str(path), "--yes", PATH=noting, **site.settings)

    assert (result.exit_code, result.stderr) == (0, "")
    assert ("SET transaction_timeout" in (tmp_path / "script").read_text()) == knows_it


def test_a_restore_does_not_come_between_two_migrations(
    invoke: Invoke, postgres: PostgresDatabases, tmp_path: Path
) -> None:
    site, path = Site(postgres).filled(), tmp_path / "a.backup"
    assert invoke("backup", str(path), **site.settings).exit_code == 0
    engine = migration_engine(database_url(site.owner))
    site.do("DELETE FROM tasks")
    before = site.rows()

    with migration_lock(engine, "another", Backoff(1)):
        result = invoke("restore", str(path), "--yes", **site.settings)

    message = "Error: psql failed: migrations are being applied; restore after they are done\n"
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", message)
    assert site.rows() == before

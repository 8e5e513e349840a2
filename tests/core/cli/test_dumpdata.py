"""`app dumpdata` and `app loaddata`: what one writes, the other stores, and both say what they did."""

import asyncio
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.__main__ import main
from app.settings import load_settings
from app.testing.databases import Databases, PostgresDatabases, SqliteDatabases
from tests.core.cli.conftest import Invoke
from tests.parts.dumps import fill, line


@pytest.fixture(scope="module")
def filled(sqlite_databases: SqliteDatabases) -> str:
    """A database with rows; tests only read it."""
    url = sqlite_databases.fresh()
    asyncio.run(fill(url))
    return url


@pytest.fixture
def dump(invoke: Invoke, filled: str, tmp_path: Path) -> Path:
    path = tmp_path / "dump.jsonl"
    assert invoke("dumpdata", "--output", str(path), DATABASE_URL=filled).exit_code == 0
    return path


def test_a_dump_goes_to_standard_output_and_the_counts_beside_it(invoke: Invoke, filled: str, dump: Path) -> None:
    result = invoke("dumpdata", DATABASE_URL=filled)

    assert result.exit_code == 0
    assert result.stdout_bytes == dump.read_bytes()
    assert result.stderr == "projects: 2 dumped\ntasks: 8 dumped\n"


def test_a_dump_is_a_new_file_that_nobody_else_may_read(invoke: Invoke, filled: str, dump: Path) -> None:
    before = dump.read_bytes()
    result = invoke("dumpdata", "--output", str(dump), DATABASE_URL=filled)

    assert stat.S_IMODE(dump.stat().st_mode) == 0o600
    assert (result.exit_code, result.stderr) == (1, f"Error: cannot write {dump}: File exists\n")
    assert dump.read_bytes() == before


def test_what_was_dumped_is_loaded_by_another_role(invoke: Invoke, restricted: Databases, dump: Path) -> None:
    url = restricted.fresh()
    urls = {"DATABASE_URL": url, "MIGRATION_DATABASE_URL": restricted.for_owner(url)}

    result = invoke("loaddata", str(dump), **urls)

    assert (result.exit_code, result.output) == (0, "projects: 2 loaded\ntasks: 8 loaded\n")
    assert invoke("dumpdata", **urls).stdout_bytes == dump.read_bytes()


def test_a_dump_comes_from_standard_input_as_well(invoke: Invoke, postgres: PostgresDatabases, dump: Path) -> None:
    url = postgres.fresh()
    load_settings.cache_clear()
    result = CliRunner().invoke(main, ["loaddata", "-"], input=dump.read_bytes(), env={"DATABASE_URL": url})

    assert (result.exit_code, result.output) == (0, "projects: 2 loaded\ntasks: 8 loaded\n")
    again = invoke("loaddata", str(dump), DATABASE_URL=url)
    message = "Error: projects has rows already; load into an empty database\n"
    assert (again.exit_code, again.output) == (1, message)


def test_an_empty_dump_is_said(invoke: Invoke, sqlite_databases: SqliteDatabases, tmp_path: Path) -> None:
    path, url = tmp_path / "empty.jsonl", sqlite_databases.fresh()
    path.touch()

    assert invoke("loaddata", str(path), DATABASE_URL=url).output == "the file has no rows\n"
    assert invoke("dumpdata", DATABASE_URL=url).stderr == "there are no rows\n"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        pytest.param([line(), b"{}"], "line 2: Object missing required field `table`", id="a bad line"),
        pytest.param([line(), line()], "the database refused a statement: ", id="a clash"),
    ],
)
def test_what_cannot_be_loaded_is_one_line(
    invoke: Invoke, databases: Databases, tmp_path: Path, lines: list[bytes], words: str
) -> None:
    path, url = tmp_path / "dump.jsonl", databases.for_owner(databases.fresh())
    path.write_bytes(b"\n".join(lines))
    result = invoke("loaddata", str(path), DATABASE_URL=url)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {words}")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["dumpdata"], ["loaddata", "-"]], ids=lambda arguments: arguments[0])
def test_a_role_that_sees_nobodys_rows_is_one_line(invoke: Invoke, restricted: Databases, arguments: list[str]) -> None:
    result = invoke(*arguments, DATABASE_URL=restricted.fresh())

    assert (result.exit_code, result.stdout) == (1, "")
    assert "MIGRATION_DATABASE_URL" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["dumpdata"], ["loaddata", "-"]], ids=lambda arguments: arguments[0])
def test_a_database_without_its_tables_is_one_line(invoke: Invoke, arguments: list[str]) -> None:
    result = invoke(*arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert "run `app migrate` first" in result.stderr

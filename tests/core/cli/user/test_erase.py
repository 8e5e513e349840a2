"""`app user erase`: it asks, and afterwards nothing of the person is left."""

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner, Result

from app.__main__ import main
from app.core.data.connection.engine import database_url
from app.core.data.schema.engines import migration_engine
from app.core.data.schema.quoting import quoted
from app.settings import BASE_DIR, load_settings
from app.testing.databases import SECRET, Databases, SqliteDatabases
from tests.core.cli.conftest import Invoke
from tests.core.cli.user.conftest import NAMES, PERSON, everything, filled, mentions


def answer(url: str, text: str) -> Result:
    """Call `app user erase` and answer its question."""
    load_settings.cache_clear()
    return CliRunner().invoke(main, ["user", "erase", PERSON], input=text, env={"DATABASE_URL": url}, prog_name="app")


@pytest.mark.quick_on("sqlite")
@pytest.mark.parametrize("text", ["n\n", "\n", "maybe\nn\n", ""], ids=["no", "return", "maybe", "end of input"])
def test_erase_asks_and_without_a_yes_all_stays(invoke: Invoke, databases: Databases, url: str, text: str) -> None:
    before = everything(databases, url)

    result = answer(url, text)

    assert (result.exit_code, result.stdout) == (1, "")
    for name in NAMES:
        assert f"{name}: 2 stored\n" in result.stderr
    assert f"Erase all of these rows of {PERSON}? [y/N]" in result.stderr
    assert "Aborted!" in result.stderr
    assert everything(databases, url) == before


def test_a_yes_erases(invoke: Invoke, databases: Databases, url: str) -> None:
    result = answer(url, "y\n")

    assert result.exit_code == 0
    assert result.stdout == "".join(f"{name}: 2 erased\n" for name in reversed(NAMES))
    assert mentions(databases, url, PERSON) == []


def test_after_erasing_the_whole_database_does_not_know_the_person(
    invoke: Invoke, databases: Databases, url: str
) -> None:
    before = everything(databases, url)
    assert {found.partition(":")[0] for found in mentions(databases, url, PERSON)} >= set(NAMES)

    result = invoke("user", "erase", PERSON, "--yes", DATABASE_URL=url)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "".join(f"{name}: 2 erased\n" for name in reversed(NAMES))
    assert mentions(databases, url, PERSON) == []
    after = everything(databases, url)
    assert after == {name: [row for row in rows if PERSON not in row] for name, rows in before.items()}
    assert all(len(after[name]) == 2 for name in NAMES)


def test_a_process_of_its_own_knows_every_table(sqlite_databases: SqliteDatabases) -> None:
    url = filled(sqlite_databases)
    environment = {**os.environ, "DATABASE_URL": url, "BETTER_AUTH_SECRET": SECRET}
    app = [sys.executable, "-m", "app", "user", "erase", PERSON, "--yes"]

    done = subprocess.run(
        app, cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=60, check=False
    )  # our own command

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "".join(f"{name}: 2 erased\n" for name in reversed(NAMES))
    assert mentions(sqlite_databases, url, PERSON) == []


def test_an_erasure_that_fails_is_one_line_and_erases_nothing(invoke: Invoke, databases: Databases, url: str) -> None:
    with migration_engine(database_url(databases.for_owner(url))).begin() as connection:
        key = f"FOREIGN KEY (owner, entry) REFERENCES {quoted(NAMES[0])} (user_id, id)"
        connection.exec_driver_sql(f"CREATE TABLE ledger (owner TEXT, entry BIGINT, {key})")
        connection.exec_driver_sql(f"INSERT INTO ledger SELECT user_id, id FROM {quoted(NAMES[0])}")
    before = everything(databases, url)

    result = invoke("user", "erase", PERSON, "--yes", DATABASE_URL=url)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: the database refused a statement: ")
    assert result.stderr.count("\n") == 1
    assert everything(databases, url) == before

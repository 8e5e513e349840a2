"""`app user`: what is exported is all there is of a person, and after erasing nothing of the person is left."""

import asyncio
import json
import os
import re
import sqlite3
import stat
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import MetaData, Table, Text, select, update

from app.__main__ import main
from app.core.data.engine import database_url, make_engine
from app.core.data.migrations import downgrade, migration_engine
from app.core.data.owned import owned_models
from app.core.data.ownership import everyone
from app.core.data.people import models_in_order
from app.core.data.session import AppSession
from app.settings import BASE_DIR, load_settings
from app.testing.databases import SECRET, Databases, SqliteDatabases, settings_for_tests
from app.testing.factories import stored_through
from tests.core.cli.conftest import Invoke
from tests.core.data.test_people import store_person

PERSON = "person-7f3a"
NAMES = [str(model.__tablename__) for model in models_in_order()]
COMMANDS = [["export", PERSON], ["erase", PERSON, "--yes"]]


@pytest.fixture
def url(databases: Databases) -> str:
    return filled(databases)


def filled(databases: Databases) -> str:
    """The URL of a database in which the person and somebody else have two rows in each table."""
    url = databases.fresh()
    asyncio.run(_fill(databases.for_owner(url)))
    return url


async def _fill(url: str) -> None:
    engine = make_engine(settings_for_tests(url))
    async with AppSession(engine, expire_on_commit=False) as session:
        with stored_through(everyone(session)):
            for user_id in (PERSON, "bob"):
                await store_person(user_id, 2)
    await engine.dispose()


def everything(databases: Databases, url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that the database itself knows of, as its owner sees it."""
    engine = migration_engine(database_url(databases.for_owner(url)))
    tables = MetaData()
    with engine.connect() as connection:
        tables.reflect(connection)
        return {t.name: [tuple(row) for row in connection.execute(select(t))] for t in tables.sorted_tables}


def mentions(databases: Databases, url: str, word: str) -> list[str]:
    """Where in the whole database a word stands: `table: value`."""
    found = [
        f"{table}: {value}"
        for table, rows in everything(databases, url).items()
        for row in rows
        for value in row
        if word in str(value)
    ]
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url(url).database or "")) as connection:
            found += [f"dump: {line}" for line in connection.iterdump() if word in line]
    return found


def answer(url: str, text: str) -> Result:
    """Call `app user erase` and answer its question."""
    load_settings.cache_clear()
    return CliRunner().invoke(main, ["user", "erase", PERSON], input=text, env={"DATABASE_URL": url}, prog_name="app")


def test_an_export_is_a_json_object_a_line_for_every_row(invoke: Invoke, databases: Databases, url: str) -> None:
    result = invoke("user", "export", PERSON, DATABASE_URL=url)

    assert result.exit_code == 0
    assert result.stderr == "".join(f"{name}: 2 exported\n" for name in NAMES)
    lines = [json.loads(line) for line in result.stdout.removesuffix("\n").split("\n")]
    assert all(set(line) == {"table", "row"} for line in lines)
    assert [line["table"] for line in lines] == [name for name in NAMES for _ in range(2)]
    stored = everything(databases, url)
    for line in lines:
        assert line["row"]["user_id"] == PERSON
        assert line["row"]["id"] in [row[0] for row in stored[line["table"]]]


def test_an_export_has_every_column_as_json(invoke: Invoke, url: str) -> None:
    lines = [json.loads(line) for line in invoke("user", "export", PERSON, DATABASE_URL=url).stdout.splitlines()]

    for model in owned_models():
        (row, _) = (line["row"] for line in lines if line["table"] == model.__tablename__)
        assert list(row) == list(model.__table__.c.keys())
    times = [value for line in lines for name, value in line["row"].items() if name.endswith("_at")]
    assert times
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", time) for time in times)


def test_whatever_a_person_wrote_stays_on_its_line(invoke: Invoke, databases: Databases, url: str) -> None:
    written = 'a "quote" \\ and\nlines\r\n\u2028\u0085 🙂 é'
    texts = {m.__tablename__: [c for c in m.__table__.c if isinstance(c.type, Text)] for m in owned_models()}
    with migration_engine(database_url(databases.for_owner(url))).begin() as connection:
        for column in (column for columns in texts.values() for column in columns):
            connection.execute(update(cast("Table", column.table)).values({column: written}))

    result = invoke("user", "export", PERSON, DATABASE_URL=url)

    lines = [json.loads(line) for line in result.stdout_bytes.removesuffix(b"\n").split(b"\n")]
    assert len(lines) == 2 * len(NAMES)
    assert {line["row"][column.key] for line in lines for column in texts[line["table"]]} == {written}


def test_an_export_goes_to_a_new_file_that_nobody_else_may_read(invoke: Invoke, url: str, tmp_path: Path) -> None:
    output = tmp_path / "person.jsonl"

    result = invoke("user", "export", PERSON, "--output", str(output), DATABASE_URL=url)

    assert (result.exit_code, result.stdout) == (0, "")
    assert Counter(json.loads(line)["table"] for line in output.read_text().splitlines()) == dict.fromkeys(NAMES, 2)
    assert stat.S_IMODE(output.stat().st_mode) == 0o600


def test_an_export_overwrites_nothing(invoke: Invoke, url: str, tmp_path: Path) -> None:
    output = tmp_path / "letter.txt"
    output.write_text("Dear database")

    result = invoke("user", "export", PERSON, "--output", str(output), DATABASE_URL=url)

    assert result.exit_code == 1
    assert result.stderr == f"Error: cannot write {output}: File exists\n"
    assert output.read_text() == "Dear database"


def test_a_file_that_cannot_be_made_is_one_line(invoke: Invoke, url: str, tmp_path: Path) -> None:
    result = invoke("user", "export", PERSON, "--output", str(tmp_path / "no" / "folder"), DATABASE_URL=url)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: cannot write ")
    assert result.stderr.count("\n") == 1


def test_an_export_that_fails_leaves_no_file(invoke: Invoke, databases: Databases, url: str, tmp_path: Path) -> None:
    output = tmp_path / "person.jsonl"
    with migration_engine(database_url(databases.for_owner(url))).begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {NAMES[-1]} RENAME TO elsewhere")

    result = invoke("user", "export", PERSON, "--output", str(output), DATABASE_URL=url)

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: the database refuses: ")
    assert result.stderr.count("\n") == 1
    assert not output.exists()


@pytest.mark.parametrize("text", ["n\n", "\n", "maybe\nn\n", ""], ids=["no", "return", "maybe", "end of input"])
def test_erase_asks_and_without_a_yes_all_stays(invoke: Invoke, databases: Databases, url: str, text: str) -> None:
    before = everything(databases, url)

    result = answer(url, text)

    assert (result.exit_code, result.stdout) == (1, "")
    for name in NAMES:
        assert f"{name}: 2 stored\n" in result.stderr
    assert f"Erase all of this, which is stored for {PERSON}? [y/N]" in result.stderr
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
        connection.exec_driver_sql(f"CREATE TABLE ledger (entry BIGINT REFERENCES {NAMES[0]} (id))")
        connection.exec_driver_sql(f"INSERT INTO ledger SELECT id FROM {NAMES[0]}")
    before = everything(databases, url)

    result = invoke("user", "erase", PERSON, "--yes", DATABASE_URL=url)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: the database refuses: ")
    assert result.stderr.count("\n") == 1
    assert everything(databases, url) == before


def test_where_there_is_nothing_it_says_so_and_does_not_ask(invoke: Invoke, databases: Databases, url: str) -> None:
    before = everything(databases, url)

    export, erase = (invoke("user", verb, "nobody", DATABASE_URL=url) for verb in ("export", "erase"))

    assert (export.exit_code, export.stdout, export.stderr) == (0, "", "nothing is stored for nobody\n")
    assert (erase.exit_code, erase.stdout, erase.stderr) == (0, "nothing is stored for nobody\n", "")
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
        "Error: Invalid value for 'ID': an id is 1 to 255 printable characters, and not blank"
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
    assert result.stderr.startswith("Error: the database cannot be reached: ")
    assert result.stderr.count("\n") == 1
    assert "hunter2" not in result.stderr


@pytest.mark.parametrize("verb", ["export", "erase"])
def test_each_has_help(invoke: Invoke, verb: str) -> None:
    result = invoke("user", verb, "--help")

    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: app user {verb} [OPTIONS] ID\n")

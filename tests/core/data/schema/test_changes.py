"""Every kind of change of every noun, on every database, with rows there: nothing is lost, nobody is let in."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, MetaData, Table, event, insert, select
from sqlalchemy.exc import DBAPIError

from app.core.data.engine import database_url
from app.core.data.schema.inspection import altered_protections, unenforced_rules
from app.core.data.schema.migrations import downgrade, drift, migration_engine, upgrade
from app.core.data.schema.scripts import make_migration
from app.settings import MIGRATIONS_DIR, Settings
from app.testing.databases import Databases, settings_for_tests
from tests.core.data.schema.changes.kinds import KINDS, TEXT, Kind
from tests.core.data.schema.changes.tables import models

NOUNS = ("tasks", "projects", "notes")
QUICK = {(name, kind.nouns[number % len(kind.nouns)]) for number, (name, kind) in enumerate(KINDS.items())}


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The migrations of the product, and one that adds the noun."""
    folder = tmp_path_factory.mktemp("changes") / "migrations"
    shutil.copytree(MIGRATIONS_DIR, folder, ignore=shutil.ignore_patterns("__pycache__"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.core.data.alchemy.MIGRATIONS_DIR", folder)
        make_migration("notes", metadata=models())
    return folder


@pytest.fixture
def migrations(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "migrations"
    shutil.copytree(base, folder)
    monkeypatch.setattr("app.core.data.alchemy.MIGRATIONS_DIR", folder)
    return folder


@pytest.fixture(params=["sqlite_databases", "postgres"])
def settings(request: pytest.FixtureRequest, migrations: Path) -> Settings:
    """A database at the newest of these, with rows."""
    databases: Databases = request.getfixturevalue(request.param)
    settings = settings_for_tests(databases.fresh())
    upgrade(settings)
    with connect(settings) as connection:
        fill(connection, models())
    return settings


@contextmanager
def connect(settings: Settings) -> Iterator[Connection]:
    """A transaction in which SQLite holds keys, as it does for whoever serves."""
    engine = migration_engine(database_url(settings.database_url.get_secret_value()))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = ON"))
    with engine.begin() as connection:
        yield connection


def fill(connection: Connection, metadata: MetaData) -> None:
    """Three rows of two people in each table; the last one goes again, and no row may get its id."""
    for name in ("projects", "tasks", "notes"):
        table = metadata.tables[name]
        for number, owner in ((1, "alice"), (2, "bob"), (3, "alice")):
            keys: dict[str, Any] = {column: number for column in ("project_id", "task_id") if column in table.c}
            keys |= {"rank": "low" if number == 1 else "it's high"} if "rank" in table.c else {}
            connection.execute(insert(table).values({"user_id": owner, TEXT[name]: f"{name} {number}"} | keys))
    for name in ("notes", "tasks", "projects"):
        table = metadata.tables[name]
        connection.execute(table.delete().where(table.c.id == 3))


def rows_of(connection: Connection, metadata: MetaData) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, as dictionaries."""
    tables = (metadata.tables[name] for name in ("projects", "tasks", "notes") if name in metadata.tables)
    return {table.name: [dict(row) for row in _all(connection, table)] for table in tables}


def _all(connection: Connection, table: Table) -> Any:
    return connection.execute(select(table).order_by(table.c.id)).mappings()


def expected(before: list[dict[str, Any]], kind: Kind, noun: str) -> list[dict[str, Any]]:
    """The rows of the noun, as the change should leave them."""
    called, gone = kind.called(noun), kind.gone(noun)
    kept = [{called.get(name, name): value for name, value in row.items() if name not in gone} for row in before]
    return [{**row, **kind.fills} for row in kept]


def is_sound(settings: Settings, metadata: MetaData) -> None:
    """The database is what the models say, whole."""
    assert drift(settings, metadata) == []
    with connect(settings) as connection:
        assert list(altered_protections(connection, metadata)) == []
        assert unenforced_rules(connection) == []
        attack(connection, metadata)


def attack(connection: Connection, metadata: MetaData) -> None:
    """What the database holds against everybody, tried on each table; nothing of it stays."""
    for table in metadata.tables.values():
        if (row := connection.execute(select(table)).first()) is None:
            continue
        refused(connection, table.update().where(table.c.id == row.id).values(user_id="mallory"))
        for key in table.foreign_key_constraints:
            column = key.column_keys[-1]
            mine, theirs = (table.c.id == 1), 2
            if key.referred_table.name != "shelves":
                refused(connection, table.update().where(mine, table.c.user_id == "alice").values({column: theirs}))


def refused(connection: Connection, statement: Any) -> None:
    savepoint = connection.begin_nested()
    with pytest.raises(DBAPIError):
        connection.execute(statement)
    savepoint.rollback()


def deletes(connection: Connection, metadata: MetaData, noun: str) -> None:
    """A row of each noun can be deleted, and takes along or clears what refers to it."""
    for name in ("notes", "tasks", "projects"):
        table = metadata.tables[noun if name not in metadata.tables else name]
        savepoint = connection.begin_nested()
        connection.execute(table.delete().where(table.c.user_id == "alice"))
        savepoint.rollback()


@pytest.mark.parametrize(
    ("name", "noun"),
    [
        pytest.param(name, noun, marks=() if (name, noun) in QUICK else pytest.mark.slow)
        for name in KINDS
        for noun in KINDS[name].nouns
    ],
)
def test_a_change_keeps_rows_and_protections_there_and_back(
    name: str, noun: str, settings: Settings, migrations: Path
) -> None:
    kind, before, after = KINDS[name], models(), models()
    kind.change(after, noun)
    called = kind.noun or noun
    with connect(settings) as connection:
        rows = rows_of(connection, before)

    written = make_migration("change", kind.answers(noun), after)
    upgrade(settings)

    assert written
    is_sound(settings, after)
    with connect(settings) as connection:
        there = [dict(row) for row in _all(connection, after.tables[called])]
        known = [{name: row[name] for name in row if name in expected(rows[noun], kind, noun)[0]} for row in there]
        if name == "a field becomes required":
            assert all(row.get("description", row.get("body")) == "none said" for row in there)
        else:
            assert known == expected(rows[noun], kind, noun)
        deletes(connection, after, called)
    is_next_id_new(settings, after.tables[called])

    downgrade(settings, "0005")
    is_sound(settings, before)
    with connect(settings) as connection:
        back = rows_of(connection, before)
        lost = kind.gone(noun) | ({"description", "body"} if name == "a field becomes required" else set())
        assert [without(row, lost) for row in back[noun][:2]] == [without(row, lost) for row in rows[noun]]

    upgrade(settings)
    is_sound(settings, after)


def without(row: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def is_next_id_new(settings: Settings, table: Table) -> None:
    """The id of a row that was deleted is not given again."""
    texts = {
        column.name: "x" for column in table.c if column.name in {*TEXT.values(), "headline", "description", "body"}
    }
    others = {
        name: value
        for name, value in (("completed", True), ("archived", True), ("starred", True), ("rate", 7))
        if name in table.c
    }
    values = texts | others
    with connect(settings) as connection:
        made = connection.execute(insert(table).values(values | {"user_id": "carol"}).returning(table.c.id)).scalar()
    assert made == 4

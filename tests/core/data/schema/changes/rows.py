"""Rows for the tables that change, and what has to hold of a database after each change."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from sqlalchemy import Connection, MetaData, Table, event, insert, select
from sqlalchemy.exc import DBAPIError

from app.core.data.connection.engine import database_url
from app.core.data.schema.drift import drift
from app.core.data.schema.engines import migration_engine
from app.core.data.schema.inspection import altered_protections, unenforced_constraints
from app.core.data.tables.row_ids import RowIdList, is_link_table, link_tables
from app.settings import Settings
from tests.core.data.schema.changes.kinds import TEXT

_ANY: Final[dict[str, Any]] = {
    "rank": None,
    "rate": 7,
    "labels": {},
    "completed": True,
    "archived": True,
    "starred": True,
}
_TEXTS: Final = {"title", "name", "headline", "label", "description", "body"}


@contextmanager
def connect(settings: Settings) -> Iterator[Connection]:
    """Yield a transaction in which SQLite holds keys, as it does for whoever serves."""
    engine = migration_engine(database_url(settings.database_url.get_secret_value()))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = ON"))
    with engine.begin() as connection:
        yield connection


def fill(connection: Connection, metadata: MetaData) -> None:
    """Store rows of two people in each table; the last one goes again, and no row may get its id."""
    for name in ("projects", "tasks", "notes"):
        table = metadata.tables[name]
        for number, owner in ((1, "alice"), (2, "bob"), (3, "alice")):
            values = {"user_id": owner, TEXT[name]: f"{name} {number}", "project_id": number, "task_id": number}
            values["task_ids"] = [number]
            values["rank"] = "low" if number == 1 else "it's high"
            values |= {"level": values["rank"], "price": f"-{number}.50", "tags": ["x", number]}
            known = {column: value for column, value in values.items() if column in table.c}
            connection.execute(insert(table).values(known))
    for name in ("notes", "tasks", "projects"):
        table = metadata.tables[name]
        connection.execute(table.delete().where(table.c.id == 3))


def all_of(connection: Connection, table: Table) -> list[dict[str, Any]]:
    """Return the rows of a table."""
    return [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]


def are_linked(connection: Connection, metadata: MetaData) -> None:
    """Assert that each link table has an entry for each id in a list, and no other."""
    for link in link_tables(metadata.tables.values()):
        rows = all_of(connection, metadata.tables[link.source])
        entries = {(row["user_id"], row["id"], each) for row in rows for each in row[link.column]}
        assert {tuple(row) for row in connection.execute(select(*link.table.c))} == entries


def is_sound(settings: Settings, metadata: MetaData) -> None:
    """Assert that a database is what the models say, whole, and withstands what its rules are against."""
    assert drift(settings, metadata) == []
    with connect(settings) as connection:
        assert list(altered_protections(connection, metadata)) == []
        assert unenforced_constraints(connection) == []
        are_linked(connection, metadata)
        for table in metadata.tables.values():
            if connection.execute(select(table)).first():
                _attack(connection, table)


def _attack(connection: Connection, table: Table) -> None:
    """Give a row to somebody else, and let it refer to a row of somebody else's."""
    if is_link_table(table):
        _is_refused(connection, table.insert().values(user_id="alice", row_id=1, target_id=2))
        return
    _is_refused(connection, table.update().where(table.c.id == 1).values(user_id="mallory"))
    for column in (column for column in table.c if isinstance(column.type, RowIdList)):
        _is_refused(connection, table.update().where(table.c.id == 1).values({column: [2]}))
    for key in table.foreign_key_constraints:
        if connection.execute(select(key.referred_table).where(key.referred_table.c.id == 2)).first():
            _is_refused(connection, table.update().where(table.c.id == 1).values({key.column_keys[-1]: 2}))


def _is_refused(connection: Connection, statement: Any) -> None:
    savepoint = connection.begin_nested()
    with pytest.raises(DBAPIError):
        connection.execute(statement)
    savepoint.rollback()


def can_be_deleted(connection: Connection, metadata: MetaData) -> None:
    """Assert that the rows of each noun can be deleted, with what refers to them; none of them goes."""
    for table in metadata.tables.values():
        savepoint = connection.begin_nested()
        connection.execute(table.delete().where(table.c.user_id == "alice"))
        if not is_link_table(table):
            are_linked(connection, metadata)
        savepoint.rollback()


def is_next_id_new(settings: Settings, table: Table) -> None:
    """Assert that the id of a row that was deleted is not given again."""
    values = {"user_id": "carol"} | {name: value for name, value in _ANY.items() if name in table.c}
    values |= {column.name: "x" for column in table.c if column.name in _TEXTS}
    with connect(settings) as connection:
        assert connection.execute(insert(table).values(values).returning(table.c.id)).scalar() == 4

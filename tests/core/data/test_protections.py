"""What the database holds by itself, against raw SQL and whoever sends it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from app.core.data.engine import database_url
from app.core.data.migrations import migration_engine
from app.core.data.protections import ClearedReference, OwnerProtection
from app.testing.databases import Databases

NOTES = """
    CREATE TABLE notes (
        id bigint PRIMARY KEY, user_id text, parent_id bigint, root_id bigint,
        UNIQUE (user_id, id),
        FOREIGN KEY (user_id, parent_id) REFERENCES notes (user_id, id),
        FOREIGN KEY (user_id, root_id) REFERENCES notes (user_id, id) ON DELETE CASCADE
    )
"""


@pytest.fixture
def connection(databases: Databases) -> Iterator[Connection]:
    """A transaction as the tables' owner, in which there is a table that refers to itself in two ways."""
    engine = migration_engine(database_url(databases.for_owner(databases.fresh())))
    with engine.connect() as connection, connection.begin():
        connection.execute(text(NOTES))
        for protection in (ClearedReference("notes", "parent_id", "notes"), OwnerProtection("notes")):
            for statement in protection.create(engine.dialect.name):
                connection.exec_driver_sql(statement.replace("%", "%%"))
        for row in ("1, 'a', NULL, NULL", "2, 'a', 1, NULL", "3, 'a', 2, 1", "4, 'b', NULL, NULL"):
            connection.exec_driver_sql(f"INSERT INTO notes VALUES ({row})")
        yield connection


def rows(connection: Connection) -> list[tuple[int, int | None]]:
    return [tuple(row) for row in connection.exec_driver_sql("SELECT id, parent_id FROM notes ORDER BY id")]


def test_a_reference_is_cleared_when_its_target_is_deleted(connection: Connection) -> None:
    connection.exec_driver_sql("DELETE FROM notes WHERE id = 2")

    assert rows(connection) == [(1, None), (3, None), (4, None)]


def test_rows_that_refer_to_each_other_are_deleted_together(connection: Connection) -> None:
    connection.exec_driver_sql("DELETE FROM notes WHERE user_id = 'a'")

    assert rows(connection) == [(4, None)]


def test_nobody_changes_the_owner_of_a_row(connection: Connection) -> None:
    with pytest.raises(DBAPIError, match="owner of a row never changes"):
        connection.exec_driver_sql("UPDATE notes SET user_id = 'b' WHERE id = 1")


def test_naming_the_same_owner_again_is_no_change(connection: Connection) -> None:
    connection.exec_driver_sql("UPDATE notes SET user_id = 'b', parent_id = NULL WHERE id = 4")

    assert rows(connection)[-1] == (4, None)

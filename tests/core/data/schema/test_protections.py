"""What the database holds by itself, against raw SQL and whoever sends it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from app.core.data.connection.engine import database_url
from app.core.data.schema.drift import drift
from app.core.data.schema.engines import migration_engine
from app.core.data.schema.inspection import altered_protections, read_protections
from app.core.data.schema.protections import ClearedReference, OwnerProtection, Protection, protections_of
from app.core.data.schema.quoting import quoted
from app.testing.databases import Databases, settings_for_tests

# Protections are the owner's: a role beside it changes nothing.
pytestmark = pytest.mark.quick_on("sqlite", "postgres")

NOTES = """
    CREATE TABLE probes (
        id bigint NOT NULL, user_id text NOT NULL, parent_id bigint, root_id bigint,
        CONSTRAINT pk_probes PRIMARY KEY (id),
        CONSTRAINT uq_probes_user_id_id UNIQUE (user_id, id),
        FOREIGN KEY (user_id, parent_id) REFERENCES probes (user_id, id),
        FOREIGN KEY (user_id, root_id) REFERENCES probes (user_id, id) ON DELETE CASCADE
    )
"""


@contextmanager
def with_probes(url: str) -> Iterator[Connection]:
    """A transaction in which there is a table that refers to itself in two ways."""
    engine = migration_engine(database_url(url))
    with engine.connect() as connection, connection.begin():
        connection.execute(text(NOTES))
        for protection in (ClearedReference("probes", "parent_id", "probes"), OwnerProtection("probes")):
            for statement in protection.create(engine.dialect.name):
                connection.exec_driver_sql(statement)
        for row in ("1, 'a', NULL, NULL", "2, 'a', 1, NULL", "3, 'a', 2, 1", "4, 'b', NULL, NULL"):
            connection.exec_driver_sql(f"INSERT INTO probes VALUES ({row})")
        yield connection


@pytest.fixture
def connection(databases: Databases) -> Iterator[Connection]:
    """The table in a database of each kind, as its owner."""
    with with_probes(databases.for_owner(databases.fresh())) as connection:
        yield connection


def rows(connection: Connection) -> list[tuple[int, int | None]]:
    return [tuple(row) for row in connection.exec_driver_sql("SELECT id, parent_id FROM probes ORDER BY id")]


def test_a_reference_is_cleared_when_its_target_is_deleted(connection: Connection) -> None:
    connection.exec_driver_sql("DELETE FROM probes WHERE id = 2")

    assert rows(connection) == [(1, None), (3, None), (4, None)]


def test_rows_that_refer_to_each_other_are_deleted_together(connection: Connection) -> None:
    connection.exec_driver_sql("DELETE FROM probes WHERE user_id = 'a'")

    assert rows(connection) == [(4, None)]


def test_nobody_changes_the_owner_of_a_row(connection: Connection) -> None:
    with pytest.raises(DBAPIError, match="owner of a row never changes"):
        connection.exec_driver_sql("UPDATE probes SET user_id = 'b' WHERE id = 1")


def test_naming_the_same_owner_again_is_no_change(connection: Connection) -> None:
    connection.exec_driver_sql("UPDATE probes SET user_id = 'b', parent_id = NULL WHERE id = 4")

    assert rows(connection)[-1] == (4, None)


def keys(connection: Connection) -> dict[str, bool]:
    """The unique indexes of the table, and which of them it is replicated by."""
    query = (
        "SELECT indexrelid::regclass::text AS name, indisreplident FROM pg_index WHERE indrelid = 'probes'::regclass"
    )
    return {row.name: row.indisreplident for row in connection.exec_driver_sql(query)}


def test_rows_have_one_key_with_their_owner_in_it(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        assert connection.exec_driver_sql("SELECT count(*) FROM pragma_table_info('probes') WHERE pk").scalar() == 1
    else:
        assert keys(connection) == {"uq_probes_user_id_id": True}


def test_a_table_that_is_published_can_be_changed(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("CREATE PUBLICATION feed FOR TABLE probes")
    connection.exec_driver_sql("UPDATE probes SET parent_id = NULL WHERE id = 3")

    assert rows(connection)[2] == (3, None)


@pytest.mark.parametrize("protection", list(protections_of(SQLModel.metadata)), ids=lambda protection: protection.call)
def test_a_protection_can_be_made_where_it_is_already(protection: Protection, databases: Databases) -> None:
    settings = settings_for_tests(databases.for_owner(databases.fresh()))
    engine = migration_engine(database_url(settings.database_url.get_secret_value()))
    with engine.begin() as connection:
        for statement in protection.create(engine.dialect.name):
            connection.exec_driver_sql(statement)

    assert drift(settings) == []


@pytest.mark.parametrize("table", ["order", "user", "select", "CamelCase"])
def test_a_table_may_have_any_name(table: str, databases: Databases) -> None:
    engine = migration_engine(database_url(databases.for_owner(databases.fresh())))
    protections: tuple[Protection, ...] = (OwnerProtection(table), ClearedReference(table, "group", table))
    name = quoted(table)
    keys = f"CONSTRAINT {quoted('pk_' + table)} PRIMARY KEY (id), CONSTRAINT {quoted(f'uq_{table}_user_id_id')}"
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f'CREATE TABLE {name} (id bigint, user_id text NOT NULL, "group" bigint, {keys} UNIQUE (user_id, id))'
        )
        for protection in protections:
            for statement in protection.create(engine.dialect.name):
                connection.exec_driver_sql(statement)
        held = read_protections(connection)
        assert {*protections} <= held.protections
        assert all(held.has(protection) for protection in protections)
        connection.exec_driver_sql(f"INSERT INTO {name} VALUES (1, 'a', NULL), (2, 'a', 1)")
        connection.exec_driver_sql(f"DELETE FROM {name} WHERE id = 1")
        assert connection.exec_driver_sql(f"SELECT * FROM {name}").all() == [(2, "a", None)]
        for protection in protections:
            for statement in protection.drop(engine.dialect.name) * 2:
                connection.exec_driver_sql(statement)
        assert not {*protections} & read_protections(connection).protections


@pytest.mark.parametrize(
    ("protection", "found"),
    [
        (ClearedReference("tasks", "project_id", "projects"), "clear_on_delete('tasks', 'project_id', 'projects')"),
        (ClearedReference("gone", "project_id", "projects"), "clear_on_delete('gone', 'project_id', 'projects')"),
    ],
    ids=["in another form", "of a table that is gone"],
)
def test_one_that_no_model_calls_for_is_drift(protection: Protection, found: str, databases: Databases) -> None:
    settings = settings_for_tests(databases.for_owner(databases.fresh()))
    engine = migration_engine(database_url(settings.database_url.get_secret_value()))
    with engine.begin() as connection:
        for statement in protection.create(engine.dialect.name):
            connection.exec_driver_sql(statement)
        messages = list(altered_protections(connection, SQLModel.metadata))

    assert ("remove_protection", found) in drift(settings)
    assert len(messages) == 1
    assert ("is obsolete" in messages[0]) == (protection.table == "gone")


@pytest.mark.parametrize("protection", list(protections_of(SQLModel.metadata)), ids=lambda protection: protection.call)
def test_a_protection_that_is_missing_is_drift(protection: Protection, databases: Databases) -> None:
    settings = settings_for_tests(databases.for_owner(databases.fresh()))
    engine = migration_engine(database_url(settings.database_url.get_secret_value()))
    with engine.begin() as connection:
        for statement in protection.drop(engine.dialect.name):
            connection.exec_driver_sql(statement)

    assert drift(settings) == [("add_protection", protection.call)]


def test_a_policy_alone_that_is_missing_is_drift(postgres: Databases) -> None:
    settings = settings_for_tests(postgres.fresh())
    with migration_engine(database_url(settings.database_url.get_secret_value())).begin() as connection:
        connection.exec_driver_sql("ALTER TABLE tasks DISABLE ROW LEVEL SECURITY")

    assert drift(settings) == [("add_protection", "protect_owner('tasks')")]

"""Checks of the models: a table that has an owner and is not owned, and one that can have no rows."""

from collections.abc import Awaitable, Callable

from sqlalchemy import Column, Integer, Table, Text
from sqlmodel import SQLModel

from app.core.data.tables.row_ids import RowIdList
from app.testing.databases import SqliteDatabases
from tests.core.ops.checks.conftest import messages, production
from tests.parts.tables import models_with


async def test_a_table_of_users_that_is_not_owned_is_found(sqlite_databases: SqliteDatabases) -> None:
    notes = Table("notes", SQLModel.metadata, Column("user_id", Text))
    try:
        found = await messages(production(sqlite_databases.fresh()))
    finally:
        SQLModel.metadata.remove(notes)

    assert [(message.id, "notes" in message.message) for message in found if message.id == "data.E004"] == [
        ("data.E004", True)
    ]


async def test_a_link_table_is_no_table_that_should_be_owned(sqlite_databases: SqliteDatabases) -> None:
    lists: Column[list[int]] = Column("task_ids", RowIdList("tasks"))
    notes = Table("notes", SQLModel.metadata, Column("id", Integer), Column("user_id", Text), lists)
    try:
        found = await messages(production(sqlite_databases.fresh()))
    finally:
        SQLModel.metadata.remove(SQLModel.metadata.tables["notes_task_ids"])
        SQLModel.metadata.remove(notes)

    assert len([message for message in found if message.id == "data.E004"]) == 1


Ids = Callable[..., Awaitable[list[str]]]


async def test_the_tables_of_this_project_are_owned_and_can_have_rows(
    sqlite_databases: SqliteDatabases, ids: Ids
) -> None:
    assert not {"data.E004", "data.E010"} & {*await ids(production(sqlite_databases.fresh()))}


async def test_references_in_a_circle_that_are_all_required_are_found(sqlite_databases: SqliteDatabases) -> None:
    with models_with(("hens", {"egg_id": "eggs"}), ("eggs", {"hen_id": "hens"})):
        found = await messages(production(sqlite_databases.fresh()))

    (circle,) = [message for message in found if message.id == "data.E010"]
    assert circle.message == "No row can be the first one, because each needs another: eggs.hen_id, hens.egg_id."
    assert circle.hint == "Let one of these references be empty: `RowId | None`."


async def test_a_circle_in_which_one_reference_is_optional_is_none(sqlite_databases: SqliteDatabases, ids: Ids) -> None:
    with models_with(("hens", {"egg_id": "eggs"}), ("eggs", {"hen_id": "hens?"})):
        assert "data.E010" not in await ids(production(sqlite_databases.fresh()))

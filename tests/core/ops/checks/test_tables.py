"""Checks of the models: a table that has an owner and is not owned."""

from collections.abc import Awaitable, Callable

from sqlalchemy import Column, Table, Text
from sqlmodel import SQLModel

from app.testing.databases import SqliteDatabases
from tests.core.ops.checks.conftest import findings, production


async def test_a_table_of_users_that_is_not_owned_is_found(sqlite_databases: SqliteDatabases) -> None:
    notes = Table("notes", SQLModel.metadata, Column("user_id", Text))
    try:
        found = await findings(production(sqlite_databases.fresh()))
    finally:
        SQLModel.metadata.remove(notes)

    assert [(finding.id, "notes" in finding.message) for finding in found if finding.id == "data.E004"] == [
        ("data.E004", True)
    ]


Ids = Callable[..., Awaitable[list[str]]]


async def test_the_tables_of_this_project_are_owned(sqlite_databases: SqliteDatabases, ids: Ids) -> None:
    assert "data.E004" not in await ids(production(sqlite_databases.fresh()))

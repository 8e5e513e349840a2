"""Checks of the models."""

from sqlmodel import SQLModel

from app.core.data.tables.cycles import MAKE_ONE_NULLABLE, impossible_rows
from app.core.data.tables.owned import OWNER_COLUMN
from app.core.data.tables.registry import owned_models
from app.core.data.tables.row_ids import is_link_table
from app.core.ops.checks.registry import Context, Messages, check


@check("data.E004", hint="Derive its model from `Owned`, or rename the column.")
async def tables_of_users_are_owned(_: Context) -> Messages:
    """The model of a table with a `user_id` derives from `Owned`."""
    owned = {model.__table__ for model in owned_models()}
    for table in SQLModel.metadata.tables.values():
        if OWNER_COLUMN in table.c and table not in owned and not is_link_table(table):
            yield f"The table {table.name} has a {OWNER_COLUMN}, but its model is not owned: export and erase skip it."


@check("data.E010", hint=MAKE_ONE_NULLABLE)
async def references_are_possible(_: Context) -> Messages:
    """No cycle consists of required references only, because it could never have a first row."""
    for sentence in impossible_rows(SQLModel.metadata.tables):
        yield sentence

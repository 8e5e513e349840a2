"""Checks of the models, as they are mapped now."""

from sqlmodel import SQLModel

from app.core.data.tables.cycles import MAKE_ONE_NULLABLE, impossible_rows
from app.core.data.tables.owned import OWNER_COLUMN
from app.core.data.tables.registry import owned_models
from app.core.ops.checks.registry import Context, Messages, check


@check("data.E004", hint="Derive its class from `Owned`, or give the column another name.")
async def tables_of_users_are_owned(_: Context) -> Messages:
    """Where there is a `user_id`, the class is derived from `Owned`."""
    owned = {model.__table__ for model in owned_models()}
    for table in SQLModel.metadata.tables.values():
        if OWNER_COLUMN in table.c and table not in owned:
            yield f"The table {table.name} has a {OWNER_COLUMN} and no owned class: export and erasure leave it out."


@check("data.E010", hint=MAKE_ONE_NULLABLE)
async def tables_can_have_rows(_: Context) -> Messages:
    """No references that are all required lead from a table back to itself."""
    for sentence in impossible_rows(SQLModel.metadata.tables):
        yield sentence

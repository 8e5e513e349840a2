"""Checks of the models, as they are mapped now."""

from sqlmodel import SQLModel

from app.core.data.tables.cycles import LET_ONE_BE_EMPTY, impossible_rows
from app.core.data.tables.owned import OWNER_COLUMN
from app.core.data.tables.registry import owned_models
from app.core.ops.checks.registry import Messages, Site, check


@check("data.E004", cure="Derive its class from `Owned`, or give the column another name.")
async def tables_of_users_are_owned(_: Site) -> Messages:
    """Where there is a `user_id`, the class is derived from `Owned`."""
    owned = {model.__table__ for model in owned_models()}
    for table in SQLModel.metadata.tables.values():
        if OWNER_COLUMN in table.c and table not in owned:
            yield f"The table {table.name} has a {OWNER_COLUMN} and no owned class: export and erasure leave it out."


@check("data.E010", cure=LET_ONE_BE_EMPTY)
async def tables_can_have_rows(_: Site) -> Messages:
    """No references that are all required lead from a table back to itself."""
    for sentence in impossible_rows(SQLModel.metadata.tables):
        yield sentence

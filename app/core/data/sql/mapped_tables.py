"""Mapped tables: the table of a model that an object in a statement refers to."""

from typing import Any

from sqlalchemy import AliasedReturnsRows, Table
from sqlalchemy.sql.selectable import TableClause
from sqlmodel import SQLModel

from app.core.data.errors import UnreachableStatement
from app.core.data.tables.owned import OWNER_COLUMN
from app.core.data.tables.row_ids import is_link_table


def mapped_table(table: Any) -> Table:
    """Return the table of a model with the name of this table; raise UnreachableStatement if there is none."""
    # Compares names, not objects, because the database knows only the name.
    for mapped in SQLModel.metadata.tables.values():
        if mapped.name.lower() == table.name.lower():  # SQLite ignores case; no two models differ only in case
            return mapped
    raise UnreachableStatement(f"No model has the table {table.name!r}; only the tables of models can be used.")


def is_owned(table: Any) -> bool:
    """Return whether the table has an owner column."""
    return any(column.name == OWNER_COLUMN for column in mapped_table(table).c)


def unaliased(target: Any) -> Any:
    """Return the table inside its aliases and TABLESAMPLE."""
    while isinstance(target, AliasedReturnsRows):
        target = target.element
    return target


def target_table(statement: Any) -> Table:
    """Return the mapped table that an INSERT, UPDATE or DELETE changes; raise UnreachableStatement for others."""
    target = unaliased(statement.table)
    if not isinstance(target, TableClause):
        raise UnreachableStatement(
            "An UPDATE or DELETE changes one table; filter its rows with `column.in_(select(...))`."
        )
    mapped = mapped_table(target)
    if is_link_table(mapped):
        raise UnreachableStatement(f"The database writes {mapped.name}; change the list in the row instead.")
    # In a second Table object, columns could have other keys, which would hide a write to the owner or the id.
    if target._deannotate() is not mapped:
        raise UnreachableStatement(
            f"The table {target.name!r} has a second Table object; change it through its mapped class."
        )
    return mapped

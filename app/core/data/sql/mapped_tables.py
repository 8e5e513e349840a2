"""Mapped tables: which table of the models a statement means, under whatever object or name it refers to it."""

from typing import Any

from sqlalchemy import AliasedReturnsRows, Table
from sqlalchemy.sql.selectable import TableClause
from sqlmodel import SQLModel

from app.core.data.errors import UnreachableStatement
from app.core.data.tables.owned import OWNER_COLUMN


def mapped_table(table: Any) -> Table:
    """Return the table of the models that has the name of this table.

    The name decides, not the object: the database knows a table only by its name.

    Raises:
        UnreachableStatement: no model has a table of this name.
    """
    for mapped in SQLModel.metadata.tables.values():
        if mapped.name.lower() == table.name.lower():  # SQLite compares names so; no two models differ in case only
            return mapped
    raise UnreachableStatement(f"No model has the table {table.name!r}; only the tables of models can be used.")


def is_owned(table: Any) -> bool:
    """Return whether the table has an owner column.

    Raises:
        UnreachableStatement: no model has a table of this name.
    """
    return any(column.name == OWNER_COLUMN for column in mapped_table(table).c)


def unaliased(target: Any) -> Any:
    """Return the table under its aliases and samples."""
    while isinstance(target, AliasedReturnsRows):
        target = target.element
    return target


def target_table(statement: Any) -> Table:
    """Return the mapped table that an INSERT, UPDATE or DELETE changes.

    Raises:
        UnreachableStatement: it changes a join, or a second `Table` object for the same table.
    """
    target = unaliased(statement.table)
    if not isinstance(target, TableClause):
        raise UnreachableStatement("An UPDATE or DELETE is of one table; choose rows with `column.in_(select(...))`.")
    mapped = mapped_table(target)
    # A second Table object could give its columns other keys, and hide a write to the owner or the id.
    if target._deannotate() is not mapped:
        raise UnreachableStatement(f"The table {target.name!r} is described once more; change it by its mapped class.")
    return mapped

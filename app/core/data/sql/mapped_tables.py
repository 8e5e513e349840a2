"""Mapped tables: which table of the models a statement means."""

from typing import Any

from sqlalchemy import AliasedReturnsRows, Table
from sqlalchemy.sql.selectable import TableClause
from sqlmodel import SQLModel

from app.core.data.errors import UnreachableStatement
from app.core.data.tables.owned import OWNER_COLUMN


def is_owned(table: Any) -> bool:
    """Tell whether the table has an owner."""
    return any(column.name == OWNER_COLUMN for column in mapped_table(table).c)


def mapped_table(table: Any) -> Table:
    """Return the table of the models that has this name, by which the database knows it, whatever object names it."""
    for known in SQLModel.metadata.tables.values():
        if known.name.lower() == table.name.lower():  # as SQLite compares names; no two are alike
            return known
    raise UnreachableStatement(f"No model has the table {table.name!r}; only the tables of models can be used.")


def unaliased(target: Any) -> Any:
    """Return the table under its aliases."""
    while isinstance(target, AliasedReturnsRows):
        target = target.element
    return target


def target_table(statement: Any) -> Table:
    """Return the table that a statement changes. Only a model's own: another could call its columns by other names."""
    target = unaliased(statement.table)
    if not isinstance(target, TableClause):
        raise UnreachableStatement("An UPDATE or DELETE is of one table; choose rows with `column.in_(select(...))`.")
    known = mapped_table(target)
    if target._deannotate() is not known:
        raise UnreachableStatement(f"The table {target.name!r} is described once more; change it by its mapped class.")
    return known

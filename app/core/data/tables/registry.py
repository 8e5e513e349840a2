"""The registry of tables and their columns."""

from functools import cache
from typing import Any, cast

from sqlalchemy import Column, Table, inspect
from sqlalchemy.orm import InstrumentedAttribute
from sqlmodel import SQLModel

from app.core.data.tables.cycles import sorted_tables
from app.core.data.tables.owned import Owned
from app.core.data.tables.queryable import HIDDEN
from app.core.data.tables.row_ids import link_tables


def owned_models() -> tuple[type[Owned], ...]:
    """Return the class of every owned table, sorted by class name."""
    classes = (mapper.class_ for mapper in SQLModel._sa_registry.mappers)
    return tuple(sorted((c for c in classes if issubclass(c, Owned)), key=lambda model: model.__name__))


def owned_table_names() -> list[str]:
    """Return the names of the tables of all owned classes."""
    return [str(model.__tablename__) for model in owned_models()]


def private_table_names() -> list[str]:
    """Return the names of all tables with rows of users: those of the owned classes, and their link tables."""
    return [*owned_table_names(), *(link.table.name for link in link_tables(SQLModel.metadata.tables.values()))]


def sorted_models() -> list[type[SQLModel]]:
    """Return the classes of all tables, each after the tables that it refers to; `cycles.py` explains cycles."""
    classes = {mapper.local_table: mapper.class_ for mapper in SQLModel._sa_registry.mappers}
    return [classes[table] for table in sorted_tables(SQLModel.metadata.tables) if table in classes]


def sorted_owned_models() -> list[type[Owned]]:
    """Return the classes of the owned tables, in the same order."""
    return [model for model in sorted_models() if issubclass(model, Owned)]


def table_of(model: type[SQLModel]) -> Table:
    """Return the table of a class."""
    return cast("Table", inspect(model).local_table)


def table_name(model: type[SQLModel]) -> str:
    """Return the name of a class's table."""
    return str(model.__tablename__)


def visible_columns(table: Table) -> list[Column[Any]]:
    """Return the columns of a table that rows have, in the order of a row's values."""
    return [column for column in table.c if HIDDEN not in column.info]


def columns_by_name(model: type[SQLModel]) -> dict[str, Column[Any]]:
    """Return the columns of a class that rows have by attribute name, in order."""
    columns = {attribute.key: cast("Column[Any]", attribute.columns[0]) for attribute in inspect(model).column_attrs}
    return {name: column for name, column in columns.items() if HIDDEN not in column.info}


@cache
def columns_of(model: type[Owned]) -> tuple[InstrumentedAttribute[Any], ...]:
    """Return the columns of a class that rows have as mapped attributes, in the order of a row's values."""
    return tuple(getattr(model, name) for name in columns_by_name(model))

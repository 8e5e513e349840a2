"""Lists of row ids: the column of a `refs()` field, and its link table, from which the rows with an id are found.

The list in the row is the value. Triggers keep one row in the link table for each id in a list (see
`schema/linked_rows.py`), so every way to write a row is one write of one column, and reading a list costs no join.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import (
    CheckConstraint,
    Column,
    Dialect,
    ForeignKeyConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    event,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

from app.core.data.errors import InvalidDeclaration
from app.core.data.tables.field_types import BigIntKey, canonical
from app.core.data.tables.indexes import OWNER_COLUMN

ROW_ID: Final = "row_id"
"""The column of a link table with the id of the row that has the list."""
TARGET_ID: Final = "target_id"
"""The column of a link table with an id in the list."""

_LINK: Final = "link"  # the key in the `info` of the two foreign keys of a link table; their copies have it, too
_MAX_NAME: Final = 63 - len("DETACH_")  # of the bytes of a name in PostgreSQL; see `schema/linked_rows.py`


class RowIdList(TypeDecorator[list[int]]):
    """Ids of rows of a table, in ascending order and each once: JSONB on PostgreSQL, a JSON text on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(JSONB() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Iterable[int] | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        ids = canonical(value)
        return ids if dialect.name == "postgresql" else msgspec.json.encode(ids).decode()

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        if dialect.name == "postgresql":
            return None  # psycopg has parsed it
        return _read_text


def _read_text(stored: str | None) -> list[int] | None:
    return None if stored is None else _decode(stored)


_decode: Final = msgspec.json.Decoder(list[int]).decode


class LinkTable(NamedTuple):
    """A link table: the table with the list, the column of the list, and the table that it refers to."""

    table: Table
    source: str
    column: str
    target: str
    target_key: ForeignKeyConstraint


def is_link_table(table: Table) -> bool:
    """Return whether a table is a link table; a copy in another MetaData is one, too."""
    return any(link_column(key) for key in table.foreign_key_constraints)


def has_link_columns(names: Iterable[str]) -> bool:
    """Return whether a table of a database, of which only the columns are known, is a link table."""
    return {*names} == {OWNER_COLUMN, ROW_ID, TARGET_ID}


def table_options(names: Iterable[str]) -> dict[str, bool]:
    """Return the options of SQLite for an owned table with these columns, or for a link table."""
    # Without AUTOINCREMENT, SQLite would give the id of a deleted row to a new row. A link table has no id.
    return {"sqlite_with_rowid": False} if has_link_columns(names) else {"sqlite_autoincrement": True}


def link_tables(tables: Iterable[Table]) -> Iterator[LinkTable]:
    """Yield the link tables among these."""
    for table in sorted(filter(is_link_table, tables), key=lambda table: table.name):
        keys = {key.column_keys[-1]: key for key in table.foreign_key_constraints}
        source, target = (keys[name].elements[0].target_fullname.split(".")[0] for name in (ROW_ID, TARGET_ID))
        yield LinkTable(table, source, keys[ROW_ID].info[_LINK], target, keys[TARGET_ID])


def link_table_of(column: Column[Any]) -> Table:
    """Return the link table of a column with a list of ids, which may be a column of an alias."""
    (own,) = column.base_columns
    table: Table = own.table
    return table.metadata.tables[f"{table.name}_{own.name}"]


def link_column(key: ForeignKeyConstraint) -> str | None:
    """Return the column with the list that a foreign key of a link table belongs to; None for any other key."""
    column: str | None = key.info.get(_LINK)
    return column


@event.listens_for(Table, "after_parent_attach")
def _add_link_tables(table: Table, metadata: MetaData) -> None:
    if metadata is not SQLModel.metadata:
        return
    for column in [column for column in table.columns if isinstance(column.type, RowIdList)]:
        if fault := _fault_of(table, column):
            raise InvalidDeclaration(f"{table.name}.{column.name}: {fault}.")
        table.append_constraint(list_constraint(column.name))
        add_link_table(table, column)


def list_constraint(column: str) -> CheckConstraint:
    """Return the CHECK constraint that a column has a list."""
    # Both databases have these functions. The trigger refuses a list that is not JSON.
    return CheckConstraint(f"substr(CAST(\"{column}\" AS TEXT), 1, 1) = '['", name=column)


def add_link_table(table: Table, column: Column[Any]) -> None:
    """Add the link table of a list of ids to the MetaData of its table."""
    # The owner is part of both keys, so a list has only ids of rows of its owner, also in raw SQL of a superuser.
    keys = [_key(ROW_ID, table.name, column.name), _key(TARGET_ID, column.type.target, column.name)]  # type: ignore[attr-defined]
    Table(
        f"{table.name}_{column.name}",
        table.metadata,
        Column(OWNER_COLUMN, String(255), nullable=False),
        Column(ROW_ID, BigIntKey, nullable=False, autoincrement=False),
        Column(TARGET_ID, BigIntKey, nullable=False, autoincrement=False),
        PrimaryKeyConstraint(OWNER_COLUMN, ROW_ID, TARGET_ID),
        *keys,
        Index(None, OWNER_COLUMN, TARGET_ID, ROW_ID),
        sqlite_with_rowid=False,
    )


def _key(column: str, target: str, of: str) -> ForeignKeyConstraint:
    columns = [f"{target}.{OWNER_COLUMN}", f"{target}.id"]
    key = ForeignKeyConstraint([OWNER_COLUMN, column], columns, ondelete="CASCADE")
    key.info[_LINK] = of
    return key


def _fault_of(table: Table, column: Column[Any]) -> str | None:
    name = f"{table.name}_{column.name}"
    if OWNER_COLUMN not in table.c:
        return "refs() is for tables of users; derive the class from Owned as well"
    if len(name.encode()) > _MAX_NAME:
        return f"its link table would be {name}, which is longer than {_MAX_NAME} bytes; rename the field"
    if name in table.metadata.tables:
        return f"its link table would be {name}, which is another table; rename the field"
    return None

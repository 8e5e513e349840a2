"""What a change of a column's type does with the values that are there: it keeps each of them, or it is refused."""

from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Float,
    Integer,
    Numeric,
    String,
    Text,
    cast,
    func,
    literal_column,
    not_,
    select,
    true,
)
from sqlalchemy.types import TypeEngine

from app.core.data.errors import UnfitRows

_CONVERTIBLE: Final = {Boolean, Date, DateTime, Float, Integer, Numeric, String}
_TRUTHS: Final = ["0", "1", "true", "false"]


def refuse_changed_values(connection: Connection | None, column: Column[Any], new: TypeEngine[Any]) -> None:
    """Refuse a new type for a column where a value would become another one, or would not fit.

    Raises:
        UnfitRows: saying in how many rows.
    """
    if connection is None:  # only the statements are asked for, and no row can be looked at
        return
    changed = _is_changed(column, new, connection.dialect.name)
    count = connection.execute(select(func.count()).select_from(column.table).where(column.is_not(None), changed))
    if rows := count.scalar():
        wanted, whose = new.compile(connection.dialect), "1 row has" if rows == 1 else f"{rows} rows have"
        raise UnfitRows(
            f"{column.table} cannot have {column.name} as {wanted}: {whose} a value that does not fit; change it first"
        )


def convert(column: ColumnElement[Any], new: TypeEngine[Any], dialect: str) -> ColumnElement[Any]:
    """Return what is in a column as a value of another type."""
    old = kind_of(column.type)
    if old is kind_of(new) and old is not Numeric:
        return column
    if dialect == "sqlite" and {old, kind_of(new)} == {Date, DateTime}:  # texts there, which a cast takes apart
        midnight = column.op("||")(literal_column("' 00:00:00.000000'"))
        return func.substr(column, 1, 10) if old is DateTime else midnight
    return cast(column, new)


def kind_of(column_type: TypeEngine[Any]) -> type[TypeEngine[Any]]:
    """Return the kind of values that a type has: `String` for any text, `Integer` for any integer."""
    return column_type._type_affinity or type(column_type)  # the one place where SQLAlchemy says it


def _is_changed(column: Column[Any], new: TypeEngine[Any], dialect: str) -> ColumnElement[bool]:
    old_kind, new_kind = kind_of(column.type), kind_of(new)
    if not {old_kind, new_kind} <= _CONVERTIBLE:
        return true()
    if old_kind is new_kind is String:
        longest = getattr(new, "length", None)
        return func.length(column) > longest if longest else not_(true())
    if new_kind is Boolean:  # PostgreSQL would take any other number for true
        return func.lower(cast(column, Text)).not_in(_TRUTHS)
    scale = getattr(new, "scale", None)
    if new_kind is Numeric and scale is not None:  # SQLite keeps more digits than its type says
        exact = cast(column, Numeric())
        return func.round(exact, scale).is_distinct_from(exact)
    there = convert(column, new, dialect)
    there.type = new
    return convert(there, column.type, dialect).is_distinct_from(column)

"""Changes of a column's type: refused if a stored value would change."""

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
from sqlalchemy.exc import DataError
from sqlalchemy.types import TypeEngine

from app.core.data.errors import UnfitRows

_CONVERTIBLE: Final = {Boolean, Date, DateTime, Float, Integer, Numeric, String}
_TRUTHS: Final = ["0", "1", "true", "false"]


def refuse_changed_values(connection: Connection | None, column: Column[Any], new: TypeEngine[Any]) -> None:
    """Raise UnfitRows with their number if stored values would change, or do not fit the new type."""
    if connection is None:  # with --sql there are no rows to check
        return
    kinds = {affinity_of(column.type), affinity_of(new)}
    is_convertible = len(kinds) == 1 or kinds <= _CONVERTIBLE
    changed = _is_changed(column, new, connection.dialect.name) if is_convertible else true()
    count = select(func.count()).select_from(column.table).where(column.is_not(None), changed)
    try:
        rows = connection.execute(count).scalar()
    except DataError as error:  # PostgreSQL stops at the first value that it cannot cast
        raise _unfit(connection, column, new, f"{error.orig}".partition("\n")[0] + "; change it first") from None
    if rows:
        if not is_convertible:
            raise _unfit(
                connection, column, new, f"{rows} rows have a value, which cannot be converted; add another field"
            )
        counted = "1 row has" if rows == 1 else f"{rows} rows have"
        raise _unfit(connection, column, new, f"{counted} a value that does not fit; change it first")


def _unfit(connection: Connection, column: Column[Any], new: TypeEngine[Any], reason: str) -> UnfitRows:
    return UnfitRows(f"{column.table}.{column.name} cannot become {new.compile(connection.dialect)}: {reason}")


def convert(column: ColumnElement[Any], new: TypeEngine[Any], dialect: str) -> ColumnElement[Any]:
    """Return the expression that casts a column to another type; a date becomes its midnight in UTC."""
    affinities = {affinity_of(column.type), affinity_of(new)}
    if len(affinities) == 1 and affinities != {Numeric}:
        return column
    if affinities == {Date, DateTime}:
        return _sqlite_time(column) if dialect == "sqlite" else _postgres_time(column, new)
    if dialect == "sqlite":
        return cast(column, new)
    if affinities == {Boolean, Integer}:  # PostgreSQL casts a boolean to INTEGER, not to BIGINT
        column = cast(column, Integer)
    return cast(column, new)


def _sqlite_time(column: ColumnElement[Any]) -> ColumnElement[Any]:
    # SQLite stores a time as text; a CAST to DATE would take the leading digits.
    midnight = column.op("||")(literal_column("' 00:00:00.000000'"))
    return func.substr(column, 1, 10) if affinity_of(column.type) is DateTime else midnight


def _postgres_time(column: ColumnElement[Any], new: TypeEngine[Any]) -> ColumnElement[Any]:
    if affinity_of(column.type) is Date:
        return func.timezone("UTC", cast(column, DateTime()))
    return cast(func.timezone("UTC", column), new)


def affinity_of(column_type: TypeEngine[Any]) -> type[TypeEngine[Any]]:
    """Return SQLAlchemy's type affinity: `String` for any text type, `Integer` for any integer type."""
    return column_type._type_affinity or type(column_type)  # SQLAlchemy has no public name for it


def _is_changed(column: Column[Any], new: TypeEngine[Any], dialect: str) -> ColumnElement[bool]:
    old_kind, new_kind = affinity_of(column.type), affinity_of(new)
    if old_kind is new_kind is String:
        longest = getattr(new, "length", None)
        return func.length(column) > longest if longest else not_(true())
    if new_kind is Boolean:  # PostgreSQL would cast any other number to true
        return func.lower(cast(column, Text)).not_in(_TRUTHS)
    scale = getattr(new, "scale", None)
    if new_kind is Numeric and scale is not None:  # SQLite stores more digits than the type declares
        exact = cast(column, Numeric())
        return func.round(exact, scale).is_distinct_from(exact)
    converted = convert(column, new, dialect)
    converted.type = new
    return convert(converted, column.type, dialect).is_distinct_from(column)

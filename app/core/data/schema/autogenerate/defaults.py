"""Values for existing rows in a new column: constant defaults, which both databases add without rewriting the table."""

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import JSON, Column, TypeDecorator, false, func, true
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from app.core.data.tables.choices import Choice
from app.core.data.tables.stored_types import StoredType

_READ: Final[dict[type, Callable[[str], Any]]] = {
    bool: lambda text: {"true": True, "false": False}[text.lower()],
    int: int,
    float: float,
    Decimal: Decimal,
    str: str,
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
    time: time.fromisoformat,
    UUID: UUID,
}

_CALLED: Final[dict[str, Any]] = {"list": [], "dict": {}, "utcnow": func.now()}


def read_constant(column: Column[Any], given: str) -> Any:
    """Parse the author's value for a column; ValueError if it has another type, or is too long."""
    stored = _stored(column)
    read = json.loads if isinstance(stored, JSON) else _READ.get(stored.python_type)
    read = column.type.kind if isinstance(column.type, Choice) else read
    read = column.type.parse if isinstance(column.type, StoredType) else read
    try:
        value = read(given) if read else None
    except (ValueError, KeyError, ArithmeticError):
        value = None
    longest = getattr(stored, "length", None)
    name = f"{column.table.name}.{column.name}"
    if read is None:
        raise ValueError(f"no value can be given to {name} for the rows that exist: make it optional")
    if value is None:
        raise ValueError(f"{given!r} is not a valid value for {name}")
    if isinstance(value, str) and longest and len(value) > longest:
        raise ValueError(f"{given!r} is longer than the {longest} characters of {name}")
    return value


def default_constant(column: Column[Any]) -> Any:
    """Return the column's default in Python if it is the same for every row, else None."""
    default: Any = column.default
    if default is None:
        return None
    if default.is_scalar:
        return default.arg if _is_portable(default.arg) else None
    return _CALLED.get(default.arg.__name__) if default.is_callable else None


def _is_portable(value: Any) -> bool:
    # Both databases must read the literal as the same value.
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, (list, dict, Enum, BaseModel, *_READ))


def as_server_default(column: Column[Any], value: Any) -> Any:
    """Return a constant as a `server_default` that both databases read alike."""
    # It stays after the migration, so that the previous version of the application can still insert rows.
    return str(column.type.literal(value)) if isinstance(column.type, StoredType) else _server_default(value)


def _server_default(value: Any) -> Any:
    if isinstance(value, bool):
        return true() if value else false()
    if isinstance(value, FunctionElement):
        return value
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, UUID):
        return value.hex  # as SQLAlchemy stores it on SQLite; PostgreSQL reads this form too
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return json.dumps(value) if isinstance(value, list | dict) else str(value)


def as_value(column: Column[Any], value: Any) -> Any:
    """Return a constant as an argument of `op.fill_empty()`."""
    stored = column.type.literal(value) if isinstance(column.type, StoredType) else value
    return stored if isinstance(stored, bool | int | float) else as_server_default(column, value)


def _stored(column: Column[Any]) -> TypeEngine[Any]:
    return column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type

"""Compiled statements: the SQL of a statement, and the conversions of its values and rows, are made once."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, Final, cast

import psycopg
from sqlalchemy import Delete, Dialect, Float, Insert, Numeric, Select, Update
from sqlalchemy.types import TypeEngine
from sqlmodel.sql.sqltypes import UTCDateTime

from app.core.data.errors import OwnerNotBound
from app.core.data.sql.owner_compiler import OWNER
from app.core.data.sql.shapes import MAX_SHAPES

Statement = Select[Any] | Insert | Update | Delete
Values = Mapping[str, Any]
Rows = Sequence[tuple[Any, ...]]


class CompiledStatement:
    """A statement compiled for one dialect and one set of parameter names."""

    def __init__(self, statement: Statement, dialect: Dialect, names: tuple[str, ...]) -> None:
        inserts = isinstance(statement, Insert)  # an UPDATE names its columns in values()
        compiled = cast("Any", statement.compile(dialect=dialect, column_keys=names if inserts else None))
        if any(bind.expanding for bind in compiled.bind_names):
            raise TypeError("A list of values cannot be compiled once; write any_of(column, name) instead of in_().")
        self.text = str(compiled)
        self._names: Sequence[str] = compiled.positiontup or ()
        self._needs_owner = OWNER.key in self._names
        self._constants = {name: bind.value for bind, name in compiled.bind_names.items() if bind.value is not None}
        self._defaults = _defaults_of(compiled)
        self._copied: list[tuple[str, str]] = [*getattr(compiled, "copied_parameters", {}).items()]
        types = {name: bind.type.dialect_impl(dialect) for bind, name in compiled.bind_names.items()}
        bind_processors = {name: type_.bind_processor(dialect) for name, type_ in types.items()}
        self._bind_processors = {name: process for name, process in bind_processors.items() if process}
        result_processors = [_result_processor(column.type, dialect) for column in statement.exported_columns]
        self._result_processors = [(index, process) for index, process in enumerate(result_processors) if process]

    def bind(self, values: Values) -> list[Any]:
        """Return the values for the driver, in the order of the placeholders, with the columns' Python defaults."""
        bound = {**self._constants, **values}
        if self._needs_owner and bound.get(OWNER.key) is None:
            raise OwnerNotBound
        for name, default in self._defaults.items():
            bound[name] = default.arg(_DefaultContext(bound)) if default.is_callable else default.arg
        for name, source in self._copied:
            bound[name] = bound[source]
        for name, process in self._bind_processors.items():
            bound[name] = process(bound[name])
        return [bound[name] for name in self._names]

    def read(self, rows: Rows) -> Rows:
        # Converts the values by the columns' types.
        return [self._read_row(row) for row in rows] if self._result_processors else rows

    def _read_row(self, row: Sequence[Any]) -> tuple[Any, ...]:
        values = list(row)
        for index, process in self._result_processors:
            values[index] = process(values[index])
        return tuple(values)


class _DefaultContext:
    # The part of SQLAlchemy's execution context that the default function of a column may use.
    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def get_current_parameters(self) -> dict[str, Any]:
        return self._values


def _result_processor(type_: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    process = type_.dialect_impl(dialect).result_processor(dialect, _oid_of(type_))
    if not isinstance(type_, UTCDateTime):
        return process
    # On PostgreSQL the session's time zone is UTC, so psycopg returns UTC already. SQLAlchemy's own conversion of every
    # timestamp would take a tenth of the time of a page.
    return None if dialect.name == "postgresql" else partial(_parse_timestamp, cast("Callable[[Any], Any]", process))


def _parse_timestamp(process: Callable[[str], datetime], stored: str | None) -> datetime | None:
    # SQLite stores a timestamp as text, in UTC, without a time zone. This takes a tenth of SQLAlchemy's time.
    if stored is None:
        return None
    try:
        return datetime.fromisoformat(f"{stored}Z")
    except ValueError:  # another program stored it in another format
        return process(stored)


def _oid_of(type_: TypeEngine[Any]) -> int | None:
    # The OID that PostgreSQL returns for the column. SQLAlchemy's processors of floats and decimals depend on it.
    name = "float8" if isinstance(type_, Float) else "numeric" if isinstance(type_, Numeric) else None
    return psycopg.adapters.types[name].oid if name else None


def _defaults_of(compiled: Any) -> dict[str, Any]:
    # The Python defaults of columns without a value in the statement, in the order of the columns.
    inserted = {column.key: column.default for column in getattr(compiled, "insert_prefetch", ())}
    return inserted or {column.key: column.onupdate for column in getattr(compiled, "update_prefetch", ())}


compile_statement: Final = lru_cache(maxsize=MAX_SHAPES)(CompiledStatement)

"""Compiled statements: a statement is compiled once, and then executed by the driver itself.

SQLAlchemy compiles the SQL, converts values by their types and keeps the connection pool. Its objects for each
execution (Session, Connection, Result) cost four times as much CPU as the driver needs for one row, so they are
skipped here.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, Final, NoReturn, cast

import psycopg
from sqlalchemy import Delete, Dialect, Engine, Float, Insert, Numeric, PoolProxiedConnection, Select, Update
from sqlalchemy.exc import DBAPIError, MissingGreenlet
from sqlalchemy.types import TypeEngine
from sqlalchemy.util import greenlet_spawn
from sqlmodel.sql.sqltypes import UTCDateTime

from app.core.data.connection.concurrency import limiter_of
from app.core.data.connection.rls import set_connection_owner
from app.core.data.errors import OwnerNotBound
from app.core.data.sql.compiler import OWNER

Statement = Select[Any] | Insert | Update | Delete
Values = Mapping[str, Any]
Rows = Sequence[tuple[Any, ...]]

STATEMENT_LISTENERS: Final[list[Callable[[str], object]]] = []
"""Called with the SQL of every statement that is executed here; tests count statements with it."""


class CompiledStatement:
    """A statement in the SQL of one dialect, for parameters of the given names."""

    def __init__(self, statement: Statement, dialect: Dialect, names: tuple[str, ...]) -> None:
        inserts = isinstance(statement, Insert)  # an UPDATE names its columns in values()
        compiled = cast("Any", statement.compile(dialect=dialect, column_keys=names if inserts else None))
        if any(bind.expanding for bind in compiled.bind_names):
            raise TypeError("A list of values cannot be compiled once; use session.execute() for this statement.")
        self.text = str(compiled)
        self._names: Sequence[str] = compiled.positiontup or ()
        self._needs_owner = OWNER.key in self._names
        self._constants = {name: bind.value for bind, name in compiled.bind_names.items() if bind.value is not None}
        self._defaults = _defaults_of(compiled)
        types = {name: bind.type.dialect_impl(dialect) for bind, name in compiled.bind_names.items()}
        bind_processors = {name: type_.bind_processor(dialect) for name, type_ in types.items()}
        self._bind_processors = {name: process for name, process in bind_processors.items() if process}
        result_processors = [_result_processor(column.type, dialect) for column in statement.exported_columns]
        self._result_processors = [(index, process) for index, process in enumerate(result_processors) if process]

    def bind(self, values: Values) -> list[Any]:
        """Return the values for the driver, in the order of the placeholders, with the columns' Python defaults.

        Raises:
            KeyError: a value is missing.
            OwnerNotBound: the statement needs an owner, and there is none.
        """
        bound = {**self._constants, **values}
        if self._needs_owner and bound.get(OWNER.key) is None:
            raise OwnerNotBound
        for name, default in self._defaults.items():
            bound[name] = default.arg(_DefaultContext(bound)) if default.is_callable else default.arg
        for name, process in self._bind_processors.items():
            bound[name] = process(bound[name])
        return [bound[name] for name in self._names]

    def read(self, rows: Rows) -> Rows:
        """Return the driver's rows with their values converted by the columns' types."""
        return [self._read_row(row) for row in rows] if self._result_processors else rows

    def _read_row(self, row: Sequence[Any]) -> tuple[Any, ...]:
        values = list(row)
        for index, process in self._result_processors:
            values[index] = process(values[index])
        return tuple(values)


class _DefaultContext:
    """The part of SQLAlchemy's execution context that a column's default function may use."""

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


# Bounded: a table has one UPDATE for each set of columns, and clients choose the sets.
_compiled: Final = lru_cache(maxsize=2000)(CompiledStatement)


async def execute_on_engine(engine: Engine, owner: str | None, statement: Statement, values: Values) -> Rows:
    """Execute the statement in AUTOCOMMIT on a connection of the pool, and return its rows.

    Raises:
        OwnerBusy: the owner's limit of concurrent connections is reached, and no slot came free in time.
        DBAPIError: it failed. Its `statement` is None where no connection could be made, so nothing was sent.
    """
    limiter = limiter_of(engine)
    await limiter.acquire(owner)
    try:
        return await _execute_on_pool(engine, owner, statement, values)
    finally:
        limiter.release(owner)


async def _execute_on_pool(engine: Engine, owner: str | None, statement: Statement, values: Values) -> Rows:
    connection = await _check_out(engine)
    try:
        return await execute_on_connection(connection, engine.dialect, owner, statement, values)
    except OwnerNotBound:
        raise  # nothing was sent
    except BaseException as error:
        # After a cancellation a statement may still be running on the connection, so it is not used again.
        if not isinstance(error, DBAPIError) or error.connection_invalidated:
            await asyncio.shield(greenlet_spawn(connection.invalidate, error))
        raise
    finally:
        connection.close()


async def execute_on_connection(
    connection: PoolProxiedConnection, dialect: Dialect, owner: str | None, statement: Statement, values: Values
) -> Rows:
    """Execute the statement on this connection for the owner, and return its rows.

    Raises:
        DBAPIError: it failed.
    """
    compiled = _compiled(statement, dialect, tuple(values))
    for listener in STATEMENT_LISTENERS:
        listener(compiled.text)
    set_connection_owner(connection, owner)
    driver = cast("Any", connection.driver_connection)
    try:
        return compiled.read(await driver.execute_fetchall(compiled.text, compiled.bind(values)))
    except OverflowError as error:  # a number too large for SQLite; PostgreSQL sends an error of its own
        _raise_wrapped(dialect, compiled.text, sqlite3.DataError(str(error)), is_disconnect=False)
    except dialect.loaded_dbapi.Error as error:
        _raise_wrapped(dialect, compiled.text, error, is_disconnect=_is_disconnect(dialect, connection, error))


async def _check_out(engine: Engine) -> PoolProxiedConnection:
    # Problem: SQLAlchemy's pool awaits inside a greenlet, and entering one costs an eighth of a request. Decision: ask
    # the pool without one. It raises MissingGreenlet only where it would have to wait or to connect, and is then
    # unchanged; only this case enters a greenlet. It closes connections without an await, see `sql/dialects.py`.
    try:
        try:
            return engine.raw_connection()
        except MissingGreenlet:
            return await greenlet_spawn(engine.raw_connection)
    except engine.dialect.loaded_dbapi.Error as error:
        _raise_wrapped(engine.dialect, None, error, is_disconnect=False)


def _is_disconnect(dialect: Dialect, connection: PoolProxiedConnection, error: Exception) -> bool:
    # An error of psycopg itself, without a SQLSTATE, also means that the state of the connection is unknown.
    is_client_error = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and error.sqlstate is None
    return is_client_error or dialect.is_disconnect(cast("Any", error), cast("Any", connection), None)


def _raise_wrapped(dialect: Dialect, text: str | None, error: Exception, *, is_disconnect: bool) -> NoReturn:
    # As SQLAlchemy wraps a driver's error, but without the parameters, which contain users' data.
    base = dialect.loaded_dbapi.Error
    raise DBAPIError.instance(
        text, None, error, base, hide_parameters=True, connection_invalidated=is_disconnect, dialect=dialect
    ) from error

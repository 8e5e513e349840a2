"""Plans: a statement compiled once, with how its values go in and its rows come out, and run by the driver itself.

SQLAlchemy writes the SQL, knows the types and keeps the pool. What it does around each execution (a unit of work, a
connection object, a result object) costs four times what the driver takes for one row, so it is left out here.
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
"""Who is told the text of every statement that is run here: what counts statements in a test."""


class CompiledStatement:
    """One statement in one database's SQL, for values of the given names."""

    def __init__(self, statement: Statement, dialect: Dialect, names: tuple[str, ...]) -> None:
        inserts = isinstance(statement, Insert)  # an UPDATE names its columns itself
        compiled = cast("Any", statement.compile(dialect=dialect, column_keys=names if inserts else None))
        if any(bind.expanding for bind in compiled.bind_names):
            raise TypeError("A list of values cannot be compiled once; use session.execute() for this statement.")
        self.text = str(compiled)
        self._names: Sequence[str] = compiled.positiontup or ()
        self._is_owned = OWNER.key in self._names
        self._constants = {name: bind.value for bind, name in compiled.bind_names.items() if bind.value is not None}
        self._defaults = _defaults_of(compiled)
        types = {name: bind.type.dialect_impl(dialect) for bind, name in compiled.bind_names.items()}
        into = {name: type_.bind_processor(dialect) for name, type_ in types.items()}
        self._bind_processors = {name: convert for name, convert in into.items() if convert}
        readers = [_result_processor(column.type, dialect) for column in statement.exported_columns]
        self._result_processors = [(place, convert) for place, convert in enumerate(readers) if convert]

    def bind(self, values: Values) -> list[Any]:
        """Return the values as the driver takes them, in the statement's order, with the columns' defaults.

        Raises:
            KeyError: one is missing.
            OwnerNotBound: it is the owner's.
        """
        given = {**self._constants, **values}
        if self._is_owned and given.get(OWNER.key) is None:
            raise OwnerNotBound
        for name, default in self._defaults.items():
            given[name] = default.arg(_DefaultContext(given)) if default.is_callable else default.arg
        for name, convert in self._bind_processors.items():
            given[name] = convert(given[name])
        return [given[name] for name in self._names]

    def read(self, rows: Rows) -> Rows:
        """Return the driver's rows as the columns' types read them."""
        return [self._read_row(row) for row in rows] if self._result_processors else rows

    def _read_row(self, row: Sequence[Any]) -> tuple[Any, ...]:
        values = list(row)
        for place, convert in self._result_processors:
            values[place] = convert(values[place])
        return tuple(values)


class _DefaultContext:
    """What a column's default may look at: the values of the columns before it."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def get_current_parameters(self) -> dict[str, Any]:
        return self._values


def _result_processor(type_: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    convert = type_.dialect_impl(dialect).result_processor(dialect, _oid_of(type_))
    if not isinstance(type_, UTCDateTime):
        return convert
    # Our connections to PostgreSQL speak UTC. To convert each moment of a page again takes a tenth of its time.
    return None if dialect.name == "postgresql" else partial(_parse_timestamp, cast("Callable[[Any], Any]", convert))


def _parse_timestamp(convert: Callable[[str], datetime], stored: str | None) -> datetime | None:
    """Read a moment of SQLite, which stores it as text, in UTC, without saying so: at a tenth of SQLAlchemy's time."""
    if stored is None:
        return None
    try:
        return datetime.fromisoformat(f"{stored}Z")
    except ValueError:  # it was stored by somebody else, in another form
        return convert(stored)


def _oid_of(type_: TypeEngine[Any]) -> int | None:
    """The type as PostgreSQL will name it with its rows, where SQLAlchemy asks: of numbers with a fraction."""
    name = "float8" if isinstance(type_, Float) else "numeric" if isinstance(type_, Numeric) else None
    return psycopg.adapters.types[name].oid if name else None


def _defaults_of(compiled: Any) -> dict[str, Any]:
    """What Python gives the columns that the statement is given no value for, in their order."""
    inserted = {column.key: column.default for column in getattr(compiled, "insert_prefetch", ())}
    return inserted or {column.key: column.onupdate for column in getattr(compiled, "update_prefetch", ())}


# Bounded, because a table has as many plans for UPDATE as it has sets of columns.
_compiled: Final = lru_cache(maxsize=2000)(CompiledStatement)


async def execute_on_engine(engine: Engine, owner: str | None, statement: Statement, values: Values) -> Rows:
    """Wait for a slot of the owner, borrow a connection, run the statement in AUTOCOMMIT, and give both back.

    Raises:
        OwnerBusy: no slot of the owner came free in time.
        DBAPIError: it failed; `statement` is None in it where nothing was sent, because there was no connection.
    """
    limiter = limiter_of(engine)
    await limiter.acquire(owner)
    try:
        return await _execute_checked_out(engine, owner, statement, values)
    finally:
        limiter.release(owner)


async def _execute_checked_out(engine: Engine, owner: str | None, statement: Statement, values: Values) -> Rows:
    connection = await _check_out(engine)
    try:
        return await execute_on_connection(connection, engine.dialect, owner, statement, values)
    except OwnerNotBound:
        raise  # nothing was sent
    except BaseException as error:
        # Cancelled, perhaps: then nobody knows what is still under way on it.
        if not isinstance(error, DBAPIError) or error.connection_invalidated:
            await asyncio.shield(greenlet_spawn(connection.invalidate, error))
        raise
    finally:
        connection.close()


async def execute_on_connection(
    connection: PoolProxiedConnection, dialect: Dialect, owner: str | None, statement: Statement, values: Values
) -> Rows:
    """Run the statement on this connection, on behalf of the owner, and return its rows.

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
    except OverflowError as error:  # of Python's, where SQLite is given what does not fit; PostgreSQL has its own
        _raise_wrapped(dialect, compiled.text, sqlite3.DataError(str(error)), lost=False)
    except dialect.loaded_dbapi.Error as error:
        _raise_wrapped(dialect, compiled.text, error, lost=_is_disconnect(dialect, connection, error))


# SQLAlchemy waits in a greenlet, and to enter one costs an eighth of a request. So it is entered only where there is
# something to wait for: the pool says so by MissingGreenlet, and takes back what it had in hand. It closes a connection
# without waiting, see `sql/dialects.py`.


async def _check_out(engine: Engine) -> PoolProxiedConnection:
    try:
        try:
            return engine.raw_connection()
        except MissingGreenlet:
            return await greenlet_spawn(engine.raw_connection)
    except engine.dialect.loaded_dbapi.Error as error:
        _raise_wrapped(engine.dialect, None, error, lost=False)


def _is_disconnect(dialect: Dialect, connection: PoolProxiedConnection, error: Exception) -> bool:
    """Tell whether the connection is of no use any more: broken, or the driver itself lost track of it."""
    is_drivers_own = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and error.sqlstate is None
    return is_drivers_own or dialect.is_disconnect(cast("Any", error), cast("Any", connection), None)


def _raise_wrapped(dialect: Dialect, text: str | None, error: Exception, *, lost: bool) -> NoReturn:
    """Raise what SQLAlchemy raises for the driver's error, without the values, which hold what users wrote."""
    base = dialect.loaded_dbapi.Error
    raise DBAPIError.instance(
        text, None, error, base, hide_parameters=True, connection_invalidated=lost, dialect=dialect
    ) from error

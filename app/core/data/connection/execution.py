"""Execution: the driver executes a compiled statement on a connection of SQLAlchemy's pool."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any, Final, NoReturn, cast

import psycopg
from sqlalchemy import Dialect, Engine, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError, MissingGreenlet
from sqlalchemy.util import greenlet_spawn

from app.core.data.connection.compiled import Rows, Statement, Values, compile_statement
from app.core.data.connection.concurrency import limiter_of
from app.core.data.connection.rls import set_connection_owner
from app.core.data.errors import OwnerNotBound

STATEMENT_LISTENERS: Final[list[Callable[[str], object]]] = []
"""Each is called with the SQL of every statement executed here; tests count statements with it."""


async def execute_on_engine(engine: Engine, owner: str | None, statement: Statement, values: Values) -> Rows:
    """Execute the statement in AUTOCOMMIT on a connection of the pool, and return its rows.

    Raises:
        OwnerBusy: the owner uses as many connections as one owner may, and got no further one in time.
        DBAPIError: it failed. If its `statement` is None, there was no connection, and nothing was sent.
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
        # After a cancellation the statement may still be running, so the connection is not used again.
        if not isinstance(error, DBAPIError) or error.connection_invalidated:
            await asyncio.shield(greenlet_spawn(connection.invalidate, error))
        raise
    finally:
        connection.close()


# Without SQLAlchemy's Session, Connection and Result, which take four times the driver's CPU time for one row.
async def execute_on_connection(
    connection: PoolProxiedConnection, dialect: Dialect, owner: str | None, statement: Statement, values: Values
) -> Rows:
    """Execute the statement on this connection for the owner, and return its rows."""
    compiled = compile_statement(statement, dialect, tuple(values))
    for listener in STATEMENT_LISTENERS:
        listener(compiled.text)
    set_connection_owner(connection, owner)
    driver = cast("Any", connection.driver_connection)
    try:
        return compiled.read(await driver.execute_fetchall(compiled.text, compiled.bind(values)))
    except OverflowError as error:  # a number too large for SQLite; PostgreSQL itself sends an error
        _raise_wrapped(dialect, compiled.text, sqlite3.DataError(str(error)), is_disconnect=False)
    except dialect.loaded_dbapi.Error as error:
        _raise_wrapped(dialect, compiled.text, error, is_disconnect=_is_disconnect(dialect, connection, error))


async def _check_out(engine: Engine) -> PoolProxiedConnection:
    # Problem: SQLAlchemy's pool awaits inside a greenlet, which costs an eighth of the time of a request. Decision: try
    # without a greenlet first. The pool raises MissingGreenlet, before it changes anything, only if it must wait or
    # connect; then try again in a greenlet. It closes connections without an await, see `sql/dialects.py`.
    try:
        try:
            return engine.raw_connection()
        except MissingGreenlet:
            return await greenlet_spawn(engine.raw_connection)
    except engine.dialect.loaded_dbapi.Error as error:
        _raise_wrapped(engine.dialect, None, error, is_disconnect=False)


def _is_disconnect(dialect: Dialect, connection: PoolProxiedConnection, error: Exception) -> bool:
    # After an error of psycopg itself, which has no SQLSTATE, the state of the connection is unknown.
    is_client_error = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and error.sqlstate is None
    return is_client_error or dialect.is_disconnect(cast("Any", error), cast("Any", connection), None)


def _raise_wrapped(dialect: Dialect, text: str | None, error: Exception, *, is_disconnect: bool) -> NoReturn:
    # Wraps a driver's error as SQLAlchemy does, without the parameters, which contain users' data.
    base = dialect.loaded_dbapi.Error
    raise DBAPIError.instance(
        text, None, error, base, hide_parameters=True, connection_invalidated=is_disconnect, dialect=dialect
    ) from error

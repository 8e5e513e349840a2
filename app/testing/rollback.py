"""Isolation by rollback: a test runs in one transaction of one connection, which is rolled back at the end.

SQLAlchemy does not know of the transaction, so the application behaves as usual: its sessions are in AUTOCOMMIT, a
failed statement undoes only itself, and `atomic()` is a savepoint.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg
from psycopg.rows import TupleRow
from sqlalchemy import Connection, StaticPool, event, literal, select
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlmodel import SQLModel

from app.core.data.connection.concurrency import limit_concurrency
from app.core.data.connection.engine import connect_args, paramstyle
from app.core.data.connection.rls import RlsConnection, set_up_connections
from app.core.data.ownership.session import JOINED, AppSession


def make_isolated_engine(engine: AsyncEngine) -> AsyncEngine:
    """Return an engine for the same database whose sessions all share one connection."""
    isolated = create_async_engine(
        engine.url,
        poolclass=StaticPool,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        pool_reset_on_return=None,
        connect_args=connect_args(engine.url) | _CONNECTIONS.get(engine.dialect.name, {}),
        paramstyle=paramstyle(engine.url),
    )
    limit_concurrency(isolated.sync_engine, connections=400, timeout=5)  # a test may have many sessions open
    # A session's commit has no effect in AUTOCOMMIT, but the driver would end the transaction that it does not know.
    isolated.dialect.do_commit = lambda _: None  # type: ignore[assignment,method-assign]
    if isolated.dialect.name == "postgresql":
        set_up_connections(isolated)
        _protect_statements(isolated)
    return isolated


@asynccontextmanager
async def rolled_back(isolated: AsyncEngine, sessions: async_sessionmaker[AppSession]) -> AsyncIterator[None]:
    """Run the sessions of the session maker in a transaction, and roll it back at the end of the block."""
    before = dict(sessions.kw)
    async with isolated.connect() as connection:
        await connection.run_sync(_execute, "BEGIN")
        sessions.configure(bind=isolated, info={JOINED: True})
        try:
            yield
        finally:
            sessions.kw = before
            await connection.run_sync(_execute, "ROLLBACK")


@asynccontextmanager
async def emptied(owner: AsyncEngine) -> AsyncIterator[None]:
    """Delete all rows at the end of the block: sessions of two roles commit, because they cannot share a connection."""
    try:
        yield
    finally:
        await _empty(owner)


async def _empty(owner: AsyncEngine) -> None:
    deletions = [table.delete() for table in SQLModel.metadata.tables.values()]
    # Foreign keys are checked at the end of the statement or transaction, so the tables can be in any order.
    if owner.dialect.name == "postgresql":
        async with owner.connect() as connection:
            await connection.execute(select(literal(1)).add_cte(*(deletion.cte() for deletion in deletions)))
        return
    async with owner.execution_options(isolation_level="SERIALIZABLE").begin() as connection:
        await connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        for deletion in deletions:
            await connection.execute(deletion)


class SavepointConnection(RlsConnection):
    """Gives each statement a savepoint, because PostgreSQL refuses all statements after an error in a transaction."""

    async def execute_fetchall(self, query: str, values: Sequence[Any]) -> list[TupleRow]:
        await self.execute("SAVEPOINT statement")
        try:
            return await super().execute_fetchall(query, values)
        except psycopg.Error:
            await self.execute("ROLLBACK TO SAVEPOINT statement")
            raise


_CONNECTIONS: Final = {"postgresql": {"async_creator_fn": SavepointConnection.open}}


def _protect_statements(isolated: AsyncEngine) -> None:
    @event.listens_for(isolated.sync_engine, "before_cursor_execute")
    def _mark(connection: Connection, _: Any, statement: str, *__: Any) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            _execute(connection, "SAVEPOINT statement")

    @event.listens_for(isolated.sync_engine, "handle_error")
    def _undo(context: ExceptionContext) -> None:
        # A statement that fails before it is sent has no savepoint and needs none.
        if context.connection is not None and isinstance(context.sqlalchemy_exception, DBAPIError):
            _execute(context.connection, "ROLLBACK TO SAVEPOINT statement")


def _execute(connection: Connection, statement: str) -> None:
    # Without SQLAlchemy's events: tests that count statements must not count this one.
    cursor = connection.connection.cursor()
    cursor.execute(statement)
    cursor.close()

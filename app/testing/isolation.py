"""Isolation by rollback: a test runs in one transaction of one connection, and nothing of it stays.

The application's sessions join that transaction. Their statements behave as in AUTOCOMMIT: each has a savepoint of
its own, so that one that fails takes nothing with it (PostgreSQL; SQLite undoes a failed statement by itself).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from app.core.data.session import AppSession


@asynccontextmanager
async def rolled_back(engine: AsyncEngine, sessions: async_sessionmaker[AppSession]) -> AsyncIterator[None]:
    """Bind the session maker to a transaction that is rolled back at the end."""
    is_sqlite = engine.dialect.name == "sqlite"
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="SERIALIZABLE" if is_sqlite else "READ COMMITTED")
        transaction = await connection.begin()
        if not is_sqlite and connection.sync_connection is not None:
            _protect_statements(connection.sync_connection)
        sessions.configure(bind=connection, join_transaction_mode="rollback_only")
        try:
            yield
        finally:
            sessions.configure(bind=engine, join_transaction_mode="conditional_savepoint")
            await transaction.rollback()


def _protect_statements(connection: Connection) -> None:
    @event.listens_for(connection, "before_cursor_execute")
    def _mark(held: Connection, _: Any, statement: str, *__: Any) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            _say(held, "SAVEPOINT statement")

    @event.listens_for(connection.engine, "handle_error")
    def _undo(context: ExceptionContext) -> None:
        if context.connection is connection and not context.is_disconnect:
            _say(connection, "ROLLBACK TO SAVEPOINT statement")


def _say(connection: Connection, statement: str) -> None:
    """Past the events, so that a test that counts statements does not count this one."""
    cursor = connection.connection.cursor()
    cursor.execute(statement)
    cursor.close()

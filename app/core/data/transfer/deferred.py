"""Deferred foreign keys, for commands that write or delete many rows: they are checked at the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from sqlalchemy import ForeignKeyConstraint
from sqlalchemy.orm import Session
from sqlmodel import SQLModel

from app.core.data.ownership.owned_session import OwnedSession
from app.core.data.ownership.session import AppSession
from app.core.data.tables.cycles import components
from app.core.data.tables.registry import sorted_models, table_of
from app.core.data.tables.row_ids import link_tables


@asynccontextmanager
async def deferred_keys(session: AppSession) -> AsyncIterator[None]:
    """Let rows refer to later ones inside `atomic()`; on PostgreSQL this needs the owner of the tables."""
    # SQLite checks all keys when the transaction ends. PostgreSQL checks them at the end of each statement; only the
    # keys in a cycle of tables have to wait for the end. The schema has no deferrable key, so that a wrong statement of
    # a request fails at once. ALTER CONSTRAINT locks the tables until the transaction ends.
    await defer_in_sqlite(session)
    await _alter(session, "DEFERRABLE")
    await _set(session, "DEFERRED")
    yield
    await _set(session, "IMMEDIATE")
    await _alter(session, "NOT DEFERRABLE")


async def defer_in_sqlite(session: AppSession) -> None:
    """Let SQLite check the foreign keys when the transaction ends, in any session inside `atomic()`."""
    if session.dialect.name == "sqlite":
        await session.run_sync(_defer)


def _defer(session: Session) -> None:
    cursor = cast("OwnedSession", session).transaction_connection().cursor()
    cursor.execute("PRAGMA defer_foreign_keys = ON")
    cursor.close()


async def _alter(session: AppSession, deferrability: str) -> None:
    quote = session.dialect.identifier_preparer
    for key in _keys_of_cycles():
        table, name = quote.format_table(key.table), quote.format_constraint(key)
        await _execute_on_postgres(session, f"ALTER TABLE {table} ALTER CONSTRAINT {name} {deferrability}")


def _keys_of_cycles() -> list[ForeignKeyConstraint]:
    groups = [group for group in components([table_of(model) for model in sorted_models()]) if len(group) > 1]
    in_cycles = [table for group in groups for table in group]
    names = [{table.name for table in group} for group in groups]
    links = link_tables(SQLModel.metadata.tables.values())
    in_cycles += [link.table for link in links if any({link.source, link.target} <= group for group in names)]
    keys = (key for table in in_cycles for key in table.foreign_key_constraints if not key.deferrable)
    return sorted(keys, key=lambda key: str(key.name))


async def _set(session: AppSession, mode: str) -> None:
    await _execute_on_postgres(session, f"SET CONSTRAINTS ALL {mode}")


async def _execute_on_postgres(session: AppSession, statement: str) -> None:
    if session.dialect.name == "postgresql":
        await (await session.connection()).exec_driver_sql(statement)

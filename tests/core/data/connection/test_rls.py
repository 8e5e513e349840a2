"""The connection's owner: a statement of an owner has a timeout, and policies apply to it."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import async_sessionmaker

from app.core.data.connection import retry as retries
from app.core.data.connection.engine import database_url
from app.core.data.connection.failures import Failure, classify
from app.core.data.connection.rls import RlsConnection
from app.core.data.ownership.guard import bind_owner, everyone
from app.core.data.ownership.plugin import make_alchemy
from app.core.data.ownership.session import AppSession
from app.core.data.schema.engines import migration_engine
from app.tasks.models import Task
from app.testing.databases import Databases, PostgresDatabases, settings_for_tests

Sessions = async_sessionmaker[AppSession]

TITLE: Any = Task.title  # SQLModel types the column as a str
SLOW = select(func.pg_sleep(0.8), TITLE)


@pytest.fixture(params=["postgres", "restricted"])
async def sessions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sessions]:
    """Sessions with a short timeout, on a database in which alice has a task."""
    databases: Databases = request.getfixturevalue(request.param)
    alchemy = make_alchemy(settings_for_tests(databases.fresh()))
    maker: Sessions = alchemy.create_session_maker()  # type: ignore[assignment]
    async with maker() as session:
        bind_owner(session, "alice")
        await session.insert_row(Task, {"title": "stored"})
    monkeypatch.setattr(RlsConnection, "response_timeout", 0.4)
    monkeypatch.setattr(retries, "BUDGET", 0)  # no retry of a read
    yield maker
    await alchemy.get_engine().dispose()


async def test_a_statement_of_an_owner_has_a_timeout(sessions: Sessions) -> None:
    async with sessions() as session:
        bind_owner(session, "alice")
        with pytest.raises(DBAPIError) as failure:
            await session.execute(SLOW)
        assert (await session.execute(select(TITLE))).scalars().all() == ["stored"]

    assert failure.value.connection_invalidated
    assert classify(failure.value) is Failure.AWAY


async def test_a_transaction_that_times_out_has_no_effect(sessions: Sessions) -> None:
    async with sessions() as session:
        bind_owner(session, "alice")
        with pytest.raises(DBAPIError):
            async with session.atomic():
                await session.insert_row(Task, {"title": "lost"})
                await session.execute(SLOW)
        assert (await session.execute(select(TITLE))).scalars().all() == ["stored"]


async def test_a_connection_that_timed_out_is_not_reused(sessions: Sessions) -> None:
    table: Any = inspect(Task).local_table
    slow = select(func.pg_sleep(0.8), table.c.title)
    for has_one_already in (True, False):
        async with sessions() as session:
            bind_owner(session, "alice")
            if has_one_already:
                await session.execute(select(TITLE))
            with pytest.raises(DBAPIError):
                await session.run(slow, {})
        async with sessions() as session:
            bind_owner(session, "alice")
            await session.insert_row(Task, {"title": "stored"})


async def test_a_failed_transaction_keeps_its_connection(sessions: Sessions) -> None:
    async with sessions() as session:
        bind_owner(session, "alice")
        with pytest.raises(DBAPIError) as failure:
            async with session.atomic():
                with suppress(DBAPIError):
                    await session.execute(select(func.sqrt(-1), TITLE))
                await session.execute(select(TITLE))
        assert (await session.execute(select(TITLE))).scalars().all() == ["stored"]

    assert isinstance(failure.value.orig, psycopg.errors.InFailedSqlTransaction)
    assert not failure.value.connection_invalidated


async def test_a_session_for_all_owners_has_no_timeout(sessions: Sessions) -> None:
    async with sessions() as session:
        await everyone(session).execute(SLOW)


async def test_policies_apply_to_privileges_granted_while_connected(
    postgres: PostgresDatabases, restricted: Databases
) -> None:
    """A connection that did not send the owner would read no rows, without an error."""
    url = restricted.fresh()
    owner = migration_engine(database_url(restricted.for_owner(url)))
    with owner.begin() as connection:
        connection.execute(text(f'REVOKE ALL ON ALL TABLES IN SCHEMA public FROM "{postgres.role}"'))
    alchemy = make_alchemy(settings_for_tests(url, database_pool_size=1))
    maker: Sessions = alchemy.create_session_maker()  # type: ignore[assignment]
    async with maker() as session:
        bind_owner(session, "alice")
        with pytest.raises(DBAPIError):
            await session.execute(select(TITLE))
    with owner.begin() as connection:
        connection.execute(text(f'GRANT SELECT, INSERT ON tasks TO "{postgres.role}"'))
    async with maker() as session:
        bind_owner(session, "alice")
        await session.insert_row(Task, {"title": "stored"})
        assert (await session.execute(select(TITLE))).scalars().all() == ["stored"]
    await alchemy.get_engine().dispose()

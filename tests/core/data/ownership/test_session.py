"""Transactions: a statement is committed when it returns; `atomic()` commits all or nothing."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import async_sessionmaker

from app.core.data.connection.engine import make_engine
from app.core.data.errors import NotAtomic
from app.core.data.ownership.guard import bind_owner
from app.core.data.ownership.plugin import make_alchemy
from app.core.data.ownership.session import AppSession
from app.core.data.tables.owned import Owned
from app.tasks.models import Task
from app.testing.databases import Databases, settings_for_tests
from app.testing.factories import factory_of

Model: Any = Task
Factory: Any = factory_of(Model)


@pytest.fixture
async def committing(databases: Databases) -> AsyncIterator[async_sessionmaker[AppSession]]:
    """A session maker on a database of its own, where commits are real."""
    alchemy = make_alchemy(settings_for_tests(databases.fresh()))
    yield alchemy.create_session_maker()  # type: ignore[misc]
    await alchemy.get_engine().dispose()


@pytest.fixture(params=["sessions", "committing"])
def maker(request: pytest.FixtureRequest, databases: Databases) -> async_sessionmaker[AppSession]:
    """A session maker inside a transaction that the test rolls back, and one whose commits are real."""
    made: async_sessionmaker[AppSession] = request.getfixturevalue(
        request.param
    )  # by name, so only one of the two is created
    return made


def values() -> dict[str, Any]:
    row = Factory.build(user_id="alice")
    return {name: getattr(row, name) for name in Model.model_fields if name not in ("id", "user_id")}


def row() -> Owned:
    new: Owned = Factory.build(user_id=None)
    return new


async def stored(maker: async_sessionmaker[AppSession]) -> int:
    async with maker() as session:
        bind_owner(session, "alice")
        return int((await session.execute(select(func.count()).select_from(Model))).scalar_one())


async def test_a_statement_is_committed_when_it_returns(maker: async_sessionmaker[AppSession]) -> None:
    async with maker() as session:
        bind_owner(session, "alice")
        await session.insert_row(Model, values())

    assert await stored(maker) == 1


async def test_a_flushed_row_is_committed_when_the_flush_returns(maker: async_sessionmaker[AppSession]) -> None:
    async with maker() as session:
        bind_owner(session, "alice")
        session.add(row())
        await session.flush()

    assert await stored(maker) == 1


async def test_atomic_commits_all(maker: async_sessionmaker[AppSession]) -> None:
    async with maker() as session:
        bind_owner(session, "alice")
        async with session.atomic():
            await session.insert_row(Model, values())
            session.add_all([row(), row()])

    assert await stored(maker) == 3


async def test_atomic_rolls_back_when_it_raises(maker: async_sessionmaker[AppSession]) -> None:
    async with maker() as session:
        bind_owner(session, "alice")
        with pytest.raises(ZeroDivisionError):
            async with session.atomic():
                await session.insert_row(Model, values())
                session.add(row())
                await session.flush()
                raise ZeroDivisionError

    assert await stored(maker) == 0


async def test_atomic_inside_atomic_is_a_savepoint(maker: async_sessionmaker[AppSession]) -> None:
    async with maker() as session:
        bind_owner(session, "alice")
        async with session.atomic():
            await session.insert_row(Model, values())
            with pytest.raises(ZeroDivisionError):
                async with session.atomic():
                    await session.insert_row(Model, values())
                    raise ZeroDivisionError
            await session.insert_row(Model, values())

    assert await stored(maker) == 2


def refused_values() -> dict[str, Any]:
    """Return values that violate a NOT NULL constraint."""
    return {name: None if isinstance(value, str) else value for name, value in values().items()}


async def refused_by_the_repository(session: AppSession) -> None:
    await session.insert_row(Model, refused_values())


async def refused_in_a_statement(session: AppSession) -> None:
    await session.execute(insert(Model).values(refused_values()))


async def refused_in_a_flush(session: AppSession) -> None:
    new = row()
    for name, value in refused_values().items():
        setattr(new, name, value)
    session.add(new)
    await session.flush()


async def test_a_refused_statement_rolls_back_its_savepoint_only(
    maker: async_sessionmaker[AppSession],
) -> None:
    async with maker() as session:
        bind_owner(session, "alice")
        async with session.atomic():
            await session.insert_row(Model, values())
            for refused in (refused_by_the_repository, refused_in_a_statement, refused_in_a_flush):
                with pytest.raises(DBAPIError):
                    async with session.atomic():
                        await session.insert_row(Model, values())
                        await refused(session)
            await session.insert_row(Model, values())

    assert await stored(maker) == 2


async def test_after_atomic_the_session_is_in_autocommit(maker: async_sessionmaker[AppSession]) -> None:
    async with maker() as session:
        bind_owner(session, "alice")
        async with session.atomic():
            await session.insert_row(Model, values())
        await session.insert_row(Model, values())

    assert await stored(maker) == 2


async def test_a_failed_flush_undoes_no_earlier_statement(maker: async_sessionmaker[AppSession]) -> None:
    async with maker() as session:
        bind_owner(session, "alice")
        await session.insert_row(Model, values())
        session.add_all([row(), row()])
        with pytest.raises(NotAtomic):
            await session.flush()

    assert await stored(maker) == 1


async def test_a_statement_for_several_rows_needs_a_transaction(maker: async_sessionmaker[AppSession]) -> None:
    async with maker() as session:
        bind_owner(session, "alice")
        with pytest.raises(NotAtomic):
            await session.execute(insert(Model), [values(), values()])
        async with session.atomic():
            await session.execute(insert(Model), [values(), values()])
            found = await session.execute(insert(Model).returning(Model.user_id), [values(), values()])

    assert found.scalars().all() == ["alice", "alice"]
    assert await stored(maker) == 4


async def test_begin_and_begin_nested_and_stream_outside_of_atomic_are_refused(
    sessions: async_sessionmaker[AppSession],
) -> None:
    async with sessions() as session:
        with pytest.raises(NotAtomic, match="atomic"):
            session.begin()
        with pytest.raises(NotAtomic, match="atomic"):
            session.begin_nested()
        with pytest.raises(NotAtomic, match="atomic"):
            await session.stream(select(Model))


async def test_a_cancelled_transaction_is_rolled_back(committing: async_sessionmaker[AppSession]) -> None:
    inside = asyncio.Event()

    async def work() -> None:
        async with committing() as session:
            bind_owner(session, "alice")
            async with session.atomic():
                await session.insert_row(Model, values())
                inside.set()
                await asyncio.Event().wait()

    task = asyncio.ensure_future(work())
    await asyncio.wait_for(inside.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await stored(committing) == 0
    assert committing.kw["bind"].sync_engine.pool.checkedout() == 0


async def test_sqlite_checks_foreign_keys_and_waits_for_writers(sqlite_databases: Databases) -> None:
    engine = make_engine(settings_for_tests(sqlite_databases.fresh()))
    async with engine.connect() as connection:
        pragmas = {
            name: (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous", "secure_delete")
        }
    await engine.dispose()

    assert pragmas == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "busy_timeout": 5000,
        "synchronous": 1,
        "secure_delete": 1,
    }

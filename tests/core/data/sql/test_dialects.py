"""The dialects: a connection that the pool closes is closed at once, without an error in the log."""

import asyncio
import gc
import logging
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import psycopg
import pytest
from sqlalchemy import bindparam, func, make_url, select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from app.core.data.connection.engine import make_engine
from app.core.data.connection.execution import execute_on_engine
from app.testing.databases import Databases, settings_for_tests

CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
TERMINATE = CONNECTIONS.replace("count(*)", "pg_terminate_backend(pid)")


class Pool:
    """An engine with a pool of two and one overflow connection, and a second connection that observes."""

    def __init__(self, url: str) -> None:
        settings = settings_for_tests(url, database_pool_size=2, database_max_overflow=1, database_pool_recycle=1)
        self.engine: AsyncEngine = make_engine(settings)
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self.observer = psycopg.connect(plain, autocommit=True)

    async def use(self, connections: int) -> None:
        """Use this number of connections at the same time, as requests do."""
        engine = self.engine.sync_engine
        slow = select(func.pg_sleep(bindparam("seconds", 0.05)))
        await asyncio.gather(*(execute_on_engine(engine, None, slow, {}) for _ in range(connections)))

    def connected(self) -> int:
        row = self.observer.execute(CONNECTIONS).fetchone()
        assert row
        return int(row[0])

    async def settle(self, expected: int) -> None:
        """Wait until the server has the expected number of connections."""
        for _ in range(100):
            if self.connected() == expected:
                return
            await asyncio.sleep(0.01)
        assert self.connected() == expected


@pytest.fixture
async def pool(postgres: Databases) -> AsyncIterator[Pool]:
    pool = Pool(postgres.fresh())
    yield pool
    await pool.engine.dispose()
    pool.observer.close()


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the errors in the log; the pool logs a connection that it cannot close, and raises nothing."""
    gc.collect()
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


async def recycled(pool: Pool) -> None:
    await asyncio.sleep(1.1)
    await pool.use(2)


async def ended_by_the_server(pool: Pool) -> None:
    pool.observer.execute(TERMINATE)
    await asyncio.sleep(0.05)
    await pool.use(2)


async def overflowed(pool: Pool) -> None:
    await pool.use(3)


async def cancelled(pool: Pool) -> None:
    sleeping = asyncio.create_task(pool.use(1))
    await asyncio.sleep(0.02)
    sleeping.cancel()
    await asyncio.wait({sleeping})
    await pool.use(2)


async def invalidated(pool: Pool) -> None:
    """Invalidate all connections of the pool, as an error of one of them does."""
    async with pool.engine.connect() as connection:
        await connection.invalidate()
    await pool.use(2)


@pytest.mark.parametrize("happening", [recycled, ended_by_the_server, overflowed, cancelled, invalidated])
async def test_a_replaced_connection_is_closed_at_once(
    pool: Pool, happening: Callable[[Pool], Coroutine[Any, Any, None]], caplog: pytest.LogCaptureFixture
) -> None:
    await pool.use(2)
    gc.disable()  # the garbage collector could close a connection that was left open
    try:
        for _ in range(2):
            await happening(pool)
            await pool.settle(2)
    finally:
        gc.enable()

    assert errors(caplog) == []


async def test_dispose_closes_all_connections(pool: Pool, caplog: pytest.LogCaptureFixture) -> None:
    await pool.use(2)
    await pool.engine.dispose()

    await pool.settle(0)
    assert errors(caplog) == []


async def test_a_connection_that_was_never_returned_is_closed_and_logged(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.warns(match="non-checked-in connection"):
        await abandon(pool.engine)

    await pool.settle(0)
    assert ["which will be terminated" in message for message in errors(caplog)] == [True]


async def abandon(engine: AsyncEngine) -> None:
    await engine.connect()
    gc.collect()


async def test_a_sqlite_connection_can_be_closed_outside_of_a_greenlet(sqlite_databases: Databases) -> None:
    engine = make_engine(settings_for_tests(sqlite_databases.fresh()))
    threads = threading.active_count()
    connection: Any = await greenlet_spawn(engine.sync_engine.raw_connection)
    connection.detach()
    assert threading.active_count() == threads + 1

    engine.dialect.do_close(connection.dbapi_connection)
    for _ in range(100):
        if threading.active_count() == threads:
            break
        await asyncio.sleep(0.01)

    assert threading.active_count() == threads
    await engine.dispose()

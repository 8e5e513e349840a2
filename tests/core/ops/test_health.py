"""Health: alive without asking anybody, ready only while the database answers."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig, SQLAlchemyInitPlugin
from sqlalchemy.ext.asyncio import AsyncEngine

from app.asgi import create_app
from app.testing.callers import Client, assert_error
from app.testing.counting import count_statements
from app.testing.databases import Databases, settings_for_tests

POOL_SIZE = 4  # of SQLite; PostgreSQL is given the same here


@asynccontextmanager
async def started(database_url: str) -> AsyncIterator[tuple[Client, AsyncEngine]]:
    """Run an application on that database, and give a caller without a token and the engine."""
    app = create_app(settings_for_tests(database_url, database_pool_size=POOL_SIZE))
    config = app.plugins.get(SQLAlchemyInitPlugin).config[0]
    assert isinstance(config, SQLAlchemyAsyncConfig)
    async with app.lifespan():
        yield Client(app), config.get_engine()


@asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    """A port on which somebody listens and never says a word."""
    writers: list[asyncio.StreamWriter] = []

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.close()


async def assert_not_ready(caller: Client) -> None:
    before = time.perf_counter()
    answer = await caller.get("/health/ready")
    took = time.perf_counter() - before

    assert assert_error(answer, 503) == {"detail": "The database does not answer"}
    assert answer.headers["retry-after"] == "1"
    assert took < 1.5
    assert (await caller.get("/health")).status_code == 200


@pytest.mark.parametrize(("path", "statements"), [("/health", 0), ("/health/ready", 1)])
async def test_a_healthy_service_says_so_to_everybody(
    anonymous: Client, engine: AsyncEngine, path: str, statements: int
) -> None:
    with count_statements(engine) as executed:
        answer = await anonymous.get(path, params={"probe": "1"})

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert len(executed) == statements


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_it_is_not_ready_where_the_database_cannot_be_opened(kind: str, tmp_path: Path) -> None:
    urls = {
        "sqlite": f"sqlite:///{tmp_path / 'nowhere' / 'app.db'}",
        "postgresql": "postgresql://app:secret@127.0.0.1:1/app",
    }

    async with started(urls[kind]) as (caller, _):
        await assert_not_ready(caller)


async def test_it_is_not_ready_where_the_database_hangs() -> None:
    async with silent_server() as port, started(f"postgresql://app:secret@127.0.0.1:{port}/app") as (caller, _):
        await assert_not_ready(caller)


async def test_it_is_not_ready_while_every_connection_is_taken_and_ready_again_afterwards(databases: Databases) -> None:
    async with started(databases.fresh()) as (caller, engine):
        async with AsyncExitStack() as taken:
            for _ in range(POOL_SIZE):
                await taken.enter_async_context(engine.connect())
            await assert_not_ready(caller)

        assert (await caller.get("/health/ready")).status_code == 200

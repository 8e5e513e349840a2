"""Readiness: it is about what this process needs to serve and not about others, and its log says what is wrong."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig, SQLAlchemyInitPlugin
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.asgi import create_app
from app.core.data.connection.engine import database_url, make_engine
from app.core.data.schema.engines import migration_engine
from app.core.data.schema.migrations import downgrade
from app.core.ops.readiness import Readiness
from app.settings import Settings
from app.testing.clients import Client, assert_error
from app.testing.counting import CountingProxy
from app.testing.databases import Databases, PostgresDatabases, settings_for_tests

POOL_SIZE = 4  # of SQLite; PostgreSQL is given the same here


@asynccontextmanager
async def started(settings: Settings) -> AsyncIterator[tuple[Client, AsyncEngine]]:
    """Run an application, and give a caller without a token and the engine."""
    app = create_app(settings)
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


async def assert_not_ready(caller: Client, reason: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Assert that it says so, and return what it logs."""
    before = time.perf_counter()
    answer = await caller.get("/health/ready")
    took = time.perf_counter() - before

    assert assert_error(answer, 503) == {"detail": reason}
    assert answer.headers["retry-after"] == "1"
    assert took < 1.5
    assert (await caller.get("/health")).status_code == 200
    log = capsys.readouterr().err
    assert f"WARNING - not ready: {reason}" in log
    return log


async def test_it_is_ready_and_says_so_to_everybody(anonymous: Client) -> None:
    answer = await anonymous.get("/health/ready", params={"probe": "1"})

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_it_is_not_ready_where_the_database_cannot_be_opened(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    urls = {
        "sqlite": f"sqlite:///{tmp_path / 'nowhere' / 'app.db'}",
        "postgresql": "postgresql://app:secret@127.0.0.1:1/app",
    }

    async with started(settings_for_tests(urls[kind])) as (caller, _):
        log = await assert_not_ready(caller, "The database does not answer", capsys)

    causes = {"sqlite": "unable to open database file", "postgresql": "connection refused"}
    assert causes[kind] in log.lower()
    assert "secret" not in log


async def test_it_is_not_ready_where_the_database_hangs(capsys: pytest.CaptureFixture[str]) -> None:
    async with silent_server() as port:
        settings = settings_for_tests(f"postgresql://app:secret@127.0.0.1:{port}/app")
        async with started(settings) as (caller, _):
            log = await assert_not_ready(caller, "The database does not answer", capsys)

    assert "does not answer within 1 s" in log


async def test_it_is_ready_while_others_have_all_connections_of_the_pool(databases: Databases) -> None:
    """One locked table makes it so, and all other requests are served."""
    settings = settings_for_tests(databases.fresh(), database_pool_size=POOL_SIZE)
    async with started(settings) as (caller, engine), AsyncExitStack() as taken:
        for _ in range(POOL_SIZE):
            await taken.enter_async_context(engine.connect())

        assert (await caller.get("/health/ready")).status_code == 200


async def test_it_is_not_ready_where_migrations_are_missing(
    databases: Databases, capsys: pytest.CaptureFixture[str]
) -> None:
    url = databases.fresh()
    owner = settings_for_tests(databases.for_owner(url))
    async with started(settings_for_tests(url)) as (caller, _):
        assert (await caller.get("/health/ready")).status_code == 200
        for revision in ("0001", "base"):
            await asyncio.to_thread(downgrade, owner, revision)
            await assert_not_ready(caller, "The database lacks migrations", capsys)


async def test_it_is_not_ready_where_nothing_was_ever_migrated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with started(settings_for_tests(f"sqlite:///{tmp_path / 'empty.db'}")) as (caller, _):
        await assert_not_ready(caller, "The database lacks migrations", capsys)


async def test_it_is_not_ready_where_its_role_may_not_look(
    postgres: PostgresDatabases, restricted: Databases, capsys: pytest.CaptureFixture[str]
) -> None:
    url = restricted.fresh()
    with migration_engine(database_url(restricted.for_owner(url))).begin() as connection:
        connection.execute(text(f'REVOKE SELECT ON alembic_version FROM "{postgres.role}"'))
    async with started(settings_for_tests(url)) as (caller, _):
        log = await assert_not_ready(caller, "The role of this process lacks permissions in the database", capsys)
    assert "permission denied for table alembic_version" in log


async def test_it_is_ready_where_the_database_is_newer(databases: Databases) -> None:
    """In a deployment that migrates first, the version before still serves."""
    url = databases.fresh()
    engine = make_engine(settings_for_tests(databases.for_owner(url)))
    async with engine.connect() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await engine.dispose()

    async with started(settings_for_tests(url)) as (caller, _):
        assert (await caller.get("/health/ready")).status_code == 200


async def test_it_is_not_ready_without_keys(databases: Databases, capsys: pytest.CaptureFixture[str]) -> None:
    settings = settings_for_tests(databases.fresh(), better_auth_secret=None, better_auth_url="http://127.0.0.1:1")
    async with started(settings) as (caller, _):
        await assert_not_ready(caller, "There are no keys to verify tokens with", capsys)


async def test_it_is_not_ready_while_it_drains(databases: Databases, caplog: pytest.LogCaptureFixture) -> None:
    readiness = Readiness(settings_for_tests(databases.fresh()), lambda: True)

    assert await readiness.obstacle(is_draining=False) is None
    assert await readiness.obstacle(is_draining=True) == "This process is shutting down"
    assert "not ready: This process is shutting down" in caplog.text
    await readiness.aclose()


async def test_many_who_ask_at_once_cost_no_more_than_one(postgres: Databases) -> None:
    async with CountingProxy(postgres.fresh()).serve() as proxy:
        readiness = Readiness(settings_for_tests(proxy.url), lambda: True)
        await readiness.obstacle(is_draining=False)
        before = proxy.round_trips
        await asyncio.gather(*(readiness.obstacle(is_draining=False) for _ in range(50)))
        await readiness.aclose()

    assert proxy.round_trips == before + 1

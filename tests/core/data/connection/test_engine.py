"""The engine: the forms of a URL, and connections that are verified without a round trip."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from sqlalchemy import URL, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.data.connection.engine import connect_args, database_url, make_engine
from app.settings import InvalidSettings
from app.testing.counting import CountingProxy, count_statements
from app.testing.databases import Databases, settings_for_tests

NEON = "postgres://me:p%40ss@ep-x-1-pooler.eu.aws.neon.tech/db?sslmode=require&channel_binding=require"


@pytest.mark.parametrize(
    ("given", "database"),
    [
        ("postgres://u@h/d", "postgresql"),
        ("postgresql://u@h/d", "postgresql"),
        ("postgresql+asyncpg://u@h/d", "postgresql"),
        ("postgresql+psycopg2://u@h/d", "postgresql"),
        ("sqlite:///x.db", "sqlite"),
        ("sqlite+pysqlite:///x.db", "sqlite"),
        (NEON, "postgresql"),
    ],
)
def test_every_form_of_url_gets_this_projects_driver(given: str, database: str) -> None:
    assert database_url(given).drivername == f"{database}+litestead"


def test_the_rest_of_a_url_is_unchanged() -> None:
    url = database_url(NEON)

    assert url.password == "p@ss"
    assert url.host == "ep-x-1-pooler.eu.aws.neon.tech"
    assert dict(url.query) == {"sslmode": "require", "channel_binding": "require"}


@pytest.mark.parametrize("given", ["nonsense", "mysql://u:secret@h/d", "http://secret"])
def test_another_database_is_refused_without_repeating_the_url(given: str) -> None:
    with pytest.raises(InvalidSettings, match="DATABASE_URL") as refusal:
        database_url(given)

    assert "secret" not in str(refusal.value)


def test_psycopg_prepares_nothing_and_the_url_overrides_the_timeouts() -> None:
    told = connect_args(make_url("postgresql://u@h/d?connect_timeout=30"))

    assert told["prepare_threshold"] is None
    assert "connect_timeout" not in told
    assert told["tcp_user_timeout"] == 8000


@pytest.fixture
async def proxied(postgres: Databases) -> AsyncIterator[tuple[CountingProxy, AsyncEngine]]:
    """An engine behind a proxy that counts messages, with one idle connection in its pool."""
    async with CountingProxy(postgres.fresh()).serve() as proxy:
        engine = make_engine(settings_for_tests(proxy.url))
        await _ask(engine)
        yield proxy, engine
        await engine.dispose()


async def _ask(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int((await connection.execute(text("SELECT 1"))).scalar_one())


async def test_a_checkout_costs_no_round_trip(proxied: tuple[CountingProxy, AsyncEngine]) -> None:
    proxy, engine = proxied
    before = proxy.round_trips
    await _ask(engine)

    assert proxy.round_trips - before == 1


async def test_a_connection_that_the_server_closed_is_replaced(proxied: tuple[CountingProxy, AsyncEngine]) -> None:
    _, engine = proxied
    await asyncio.to_thread(_terminate_others, engine.url.set(drivername="postgresql"))
    await asyncio.sleep(0.05)

    assert await _ask(engine) == 1


def _terminate_others(url: URL) -> None:
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s",
            [url.database, admin.info.backend_pid],
        )


async def test_statements_are_counted(proxied: tuple[CountingProxy, AsyncEngine]) -> None:
    _, engine = proxied
    with count_statements(engine) as executed:
        await _ask(engine)
        await _ask(engine)

    assert executed == ["SELECT 1", "SELECT 1"]

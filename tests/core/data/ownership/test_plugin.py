"""The session plugin: after a request its session holds no connection, also where it was used after the response."""

import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig, SQLAlchemyInitPlugin
from litestar import Litestar, Response, get
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency
from litestar.exceptions import LitestarException
from litestar.params import SkipValidation
from litestar.response import Stream
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.asgi import create_app
from app.core.data.ownership.plugin import make_alchemy
from app.core.data.ownership.session import AppSession
from app.tasks.models import Task
from app.testing.clients import Client
from app.testing.databases import Databases, SqliteDatabases, settings_for_tests

Session = NamedDependency[SkipValidation[AppSession]]


@get("/streamed")
async def streamed(db_session: Session) -> Stream:
    """Read rows while the response is sent."""

    async def rows() -> AsyncIterator[str]:
        for task in (await db_session.execute(select(Task))).scalars():
            yield task.title
        yield "end"

    return Stream(rows())


@get("/broken")
async def broken(db_session: Session) -> Stream:
    """Fail in the middle of the response."""

    async def rows() -> AsyncIterator[str]:
        await db_session.execute(select(Task))
        yield "begin"
        raise RuntimeError("a stream that breaks")

    return Stream(rows())


@get("/later")
async def later(db_session: Session) -> Response[str]:
    """Read rows after the response."""
    return Response("", background=BackgroundTask(read, db_session))


@get("/open", public=True)
async def without_a_caller(db_session: Session) -> Response[str]:
    """Use a session without an owner."""
    return Response("", background=BackgroundTask(fail, db_session))


async def read(session: AsyncSession) -> None:
    await session.execute(select(Task))


async def fail(session: AsyncSession) -> None:
    await session.execute(select(1))
    raise RuntimeError("a task that breaks")


@pytest.fixture
async def serving(databases: Databases) -> AsyncIterator[Litestar]:
    app = create_app(settings_for_tests(databases.fresh()))
    for handler in (streamed, broken, later, without_a_caller):
        app.register(handler)
    async with app.lifespan():
        yield app


@pytest.mark.parametrize("path", ["/streamed", "/broken", "/later", "/open"])
async def test_a_session_used_after_the_response_returns_its_connection(
    serving: Litestar, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with suppress(LitestarException):  # raised after the response has started
        assert (await Client(serving, "alice").get(path)).status_code == 200

    config: Any = serving.plugins.get(SQLAlchemyInitPlugin).config[0]
    assert config.get_engine().pool.checkedout() == 0
    assert [r for r in caplog.records if r.levelno >= logging.ERROR and r.name.startswith("sqlalchemy")] == []


async def test_each_application_of_a_process_closes_its_own_engine(
    sqlite_databases: SqliteDatabases,
) -> None:
    for _ in range(2):
        app = create_app(settings_for_tests(sqlite_databases.fresh()))
        config = app.plugins.get(SQLAlchemyInitPlugin).config[0]
        assert isinstance(config, SQLAlchemyAsyncConfig)
        pool = config.get_engine().pool
        async with app.lifespan():
            assert app.state[config.engine_app_state_key].pool is pool
        assert config.get_engine().pool is not pool, "disposing of it gives it another"


def test_the_keys_of_a_second_configuration_are_not_numbered() -> None:
    first, second = (make_alchemy(settings_for_tests("sqlite:///never-opened.db")) for _ in range(2))

    assert first.session_scope_key == second.session_scope_key
    assert first.engine_app_state_key == second.engine_app_state_key
    assert first.session_maker_app_state_key == second.session_maker_app_state_key

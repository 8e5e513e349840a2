"""Whatever becomes of a request, its connection goes back to the pool in no transaction; what was begun is undone."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import pytest
import uvicorn
from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig, SQLAlchemyInitPlugin
from litestar import Litestar, post
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from app.asgi import create_app
from app.core.auth.tokens import issue_token
from app.core.data.ownership.engines import unscoped
from app.core.data.ownership.guard import bind_owner
from app.core.data.ownership.session import AppSession
from app.core.data.repository.repository import Repository
from app.projects.models import Project
from app.testing.clients import Client, assert_error
from app.testing.databases import SECRET, Databases, settings_for_tests

USER = "alice"
ROW: Final[dict[str, Any]] = {"name": "half of something", "description": None, "archived": False}
IN_TRANSACTION = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in %'"


class Halfway:
    """A handler that stops in the middle of a transaction until it is told how to go on."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()
        self.fails = False
        self.handler = post("/halfway")(self._handle)

    async def _handle(self, db_session: NamedDependency[SkipValidation[AppSession]]) -> None:
        async with db_session.atomic():
            await db_session.insert_row(Project, ROW)
            self.reached.set()
            await self.go_on.wait()
            if self.fails:
                raise RuntimeError("a handler that raises")


class Served:
    """The application in this process, behind a real server, with its pool in sight."""

    def __init__(self, app: Litestar, halfway: Halfway, port: int) -> None:
        config = app.plugins.get(SQLAlchemyInitPlugin).config[0]
        assert isinstance(config, SQLAlchemyAsyncConfig)
        self.app, self.halfway, self.port = app, halfway, port
        self.engine: AsyncEngine = config.get_engine()
        self.sessions = cast("async_sessionmaker[AppSession]", config.create_session_maker())

    async def names(self) -> list[str]:
        """Ask for what is stored, through the application."""
        return [row["name"] for row in (await Client(self.app, USER).get("/api/projects")).json()]

    @asynccontextmanager
    async def changed(self, row_id: int, name: str) -> AsyncIterator[None]:
        """A transaction that has changed a row, and keeps it locked while the block runs."""
        async with self.sessions() as session:
            bind_owner(session, USER)
            async with session.atomic():
                await Repository.of(Project)(session=session).update_one(row_id, {"name": name})
                yield

    async def change(self, row_id: int, name: str) -> None:
        async with self.changed(row_id, name):
            pass

    async def say(self, request: str) -> asyncio.StreamWriter:
        """Send the beginning of a request, or all of it, on a connection of its own."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        token = issue_token(USER, SECRET.encode(), 3600)
        writer.write(f"{request}\r\nHost: here\r\nAuthorization: Bearer {token}\r\n".encode())
        return writer

    async def assert_nothing_is_left(self, *possibly_stored: list[str]) -> None:
        """Assert that all connections are back, none of them in a transaction, and that one can still write."""
        for _ in range(500):
            if self.engine.sync_engine.pool.checkedout() == 0:  # type: ignore[attr-defined]
                break
            await asyncio.sleep(0.01)
        assert self.engine.sync_engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        if self.engine.dialect.name == "postgresql":
            async with unscoped(self.engine).connect() as connection:
                assert await connection.scalar(text(IN_TRANSACTION)) == 0
        assert await self.names() in possibly_stored
        assert (await Client(self.app, USER).post("/api/projects", json={"name": "more"})).status_code == 201


@asynccontextmanager
async def listening(app: Litestar) -> AsyncIterator[int]:
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        task = asyncio.create_task(server._serve([listener]))
        yield int(listener.getsockname()[1])
        server.should_exit = True
        await task


@pytest.fixture
async def served(databases: Databases) -> AsyncIterator[Served]:
    halfway = Halfway()
    app = create_app(settings_for_tests(databases.fresh()))
    app.register(halfway.handler)
    async with app.lifespan(), listening(app) as port:
        yield Served(app, halfway, port)


async def test_a_client_that_is_gone_before_the_answer_leaks_nothing(served: Served) -> None:
    writer = await served.say("POST /halfway HTTP/1.1\r\nContent-Length: 0")
    writer.write(b"\r\n")
    await served.halfway.reached.wait()
    assert served.engine.sync_engine.pool.checkedout() == 1  # type: ignore[attr-defined]

    writer.transport.abort()
    served.halfway.go_on.set()

    await served.assert_nothing_is_left([ROW["name"]])


async def test_a_client_that_is_gone_in_the_middle_of_its_body_leaks_nothing(served: Served) -> None:
    writer = await served.say("POST /api/projects HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100")
    writer.write(b'\r\n{"name": "half')
    await asyncio.sleep(0.1)
    writer.transport.abort()

    await served.assert_nothing_is_left([])


async def test_a_handler_that_raises_leaks_nothing(served: Served) -> None:
    served.halfway.fails = True
    served.halfway.go_on.set()

    assert_error(await Client(served.app, USER).post("/halfway"), 500)

    await served.assert_nothing_is_left([])


async def test_a_task_that_is_cancelled_in_a_transaction_leaks_nothing(served: Served) -> None:
    request = asyncio.create_task(Client(served.app, USER).post("/halfway"))
    await served.halfway.reached.wait()

    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request

    await served.assert_nothing_is_left([])


async def test_a_task_that_is_cancelled_while_it_waits_for_a_lock_leaks_nothing(served: Served) -> None:
    created = await Client(served.app, USER).post("/api/projects", json={"name": "created"})

    async with served.changed(created.json()["id"], "changed by the first"):
        second = asyncio.create_task(served.change(created.json()["id"], "changed by the second"))
        await asyncio.sleep(0.2)
        second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second

    await served.assert_nothing_is_left(["changed by the first"])


async def test_a_request_that_is_cancelled_in_its_one_statement_leaks_nothing(served: Served) -> None:
    created = await Client(served.app, USER).post("/api/projects", json={"name": "created"})

    async with served.changed(created.json()["id"], "changed by the first"):
        second = asyncio.create_task(Client(served.app, USER).patch(created.headers["location"], json={"name": "late"}))
        await asyncio.sleep(0.2)
        second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second

    gc.collect()  # only then does SQLite's driver let go of a statement that nobody waits for, and of its lock
    # It was on its way to the database already, where it may be too late to stop it.
    await served.assert_nothing_is_left(["changed by the first"], ["late"])

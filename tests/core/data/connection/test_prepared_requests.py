"""Requests with prepared statements: generic plans are as good as custom ones, and migrations fail no request."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import psycopg
import pytest
from advanced_alchemy.extensions.litestar import SQLAlchemyInitPlugin
from litestar import Litestar
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.asgi import create_app
from app.core.data.connection.engine import make_engine
from app.core.data.connection.rls import RlsConnection
from app.core.data.ownership.engines import unscoped
from app.core.data.ownership.guard import bind_owner
from app.core.data.ownership.session import AppSession
from app.core.data.repository.pages import PageRequest
from app.core.data.repository.repository import Repository
from app.core.data.tables.versions import FIRST_INSTANT, LAST_INSTANT, RowVersion
from app.tasks.models import Task
from app.testing.clients import Client
from app.testing.databases import Databases, RestrictedDatabases, settings_for_tests
from tests.benchmarks.workload import Population
from tests.parts.pooler import needs_pgbouncer, pooled

Tasks = Repository[Task]
Sent = tuple[str, list[Any]]

MANY = Population("user-", users=40, each=100)
ONE = Population("owner-", users=1, each=6_000, first_id=4_001)
ROWS = {"user-7": 8 + 40 * 50, "owner-0": 7_000}
"""Who asks, and the id of a row in the middle of theirs."""
SEEN = [RowVersion(FIRST_INSTANT, LAST_INSTANT)]

OPERATIONS: dict[str, Callable[[Tasks, int], Awaitable[object]]] = {
    "list": lambda tasks, row_id: tasks.select_page(PageRequest(limit=100)),
    "list with a total": lambda tasks, row_id: tasks.select_page(PageRequest(limit=100, count="exact")),
    "after": lambda tasks, row_id: tasks.select_page(PageRequest(limit=100, after=(row_id,))),
    "before": lambda tasks, row_id: tasks.select_page(PageRequest(limit=100, before=(row_id,))),
    "get": lambda tasks, row_id: tasks.select_one(row_id),
    "create": lambda tasks, row_id: tasks.insert_one({"title": "new"}),
    "update": lambda tasks, row_id: tasks.update_one(row_id, {"title": "changed", "completed": True}),
    "update what was seen": lambda tasks, row_id: tasks.update_one(row_id, {"title": "again"}, SEEN),
    "delete what was seen": lambda tasks, row_id: tasks.delete_one(row_id, SEEN),
    "delete": lambda tasks, row_id: tasks.delete_one(row_id + 40),
}


@pytest.fixture(params=["postgres", "restricted"])
def source(request: pytest.FixtureRequest) -> Databases:
    databases: Databases = request.getfixturevalue(request.param)
    return databases


@pytest.fixture
async def engine(source: Databases) -> AsyncIterator[AsyncEngine]:
    """An engine with one connection, on a database in which one of many users owns most rows."""
    url = source.fresh()
    for population in (MANY, ONE):
        population.seed(source.for_owner(url))
    engine = make_engine(settings_for_tests(url, database_pool_size=1))
    yield engine
    await engine.dispose()


@pytest.mark.parametrize("user", ROWS)
async def test_a_generic_plan_reads_no_more_blocks_than_a_custom_one(
    engine: AsyncEngine, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After five executions PostgreSQL may use a generic plan, which does not depend on the values."""
    sent = await sent_for(engine, user, monkeypatch)
    read = {
        name: [await blocks_read(engine, user, *its, mode=f"force_{kind}_plan") for kind in ("generic", "custom")]
        for name, its in sent.items()
    }

    assert all(0 < custom < 400 for _, custom in read.values()), read
    assert all(generic <= custom + 5 for generic, custom in read.values()), read


async def sent_for(engine: AsyncEngine, user: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Sent]:
    """Return the statements that each operation sends; they are rolled back."""
    last: list[Sent] = []
    send = RlsConnection.execute_fetchall

    async def note(connection: RlsConnection, query: str, values: list[Any]) -> list[Any]:
        last[:] = [(query, values)]
        return await send(connection, query, values)

    found = {}
    monkeypatch.setattr(RlsConnection, "execute_fetchall", note)
    for name, operation in OPERATIONS.items():
        async with AppSession(engine, expire_on_commit=False) as session:
            bind_owner(session, user)
            with pytest.raises(ZeroDivisionError):
                async with session.atomic():
                    tasks: Any = Repository.of(Task)(session=session)
                    await operation(tasks, ROWS[user])
                    raise ZeroDivisionError
            found[name] = last[0]
    return found


async def blocks_read(engine: AsyncEngine, user: str, query: str, values: list[Any], *, mode: str) -> int:
    """Return the number of blocks of tables and indexes that a plan reads."""
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert isinstance(driver, psycopg.AsyncConnection)
        cursor = psycopg.AsyncClientCursor(driver)
        for command in ("BEGIN", f"SET LOCAL plan_cache_mode = {mode}", f"PREPARE this AS {query}"):
            await cursor.execute(command)
        await cursor.execute("SELECT set_config('app.user_id', %s, true)", [user])
        places = ", ".join(["%s"] * len(values))
        explain = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE this"
        await cursor.execute(f"{explain}({places})" if values else explain, values)
        [(explained,)] = await cursor.fetchall()
        for command in ("ROLLBACK", "DEALLOCATE this"):
            await cursor.execute(command)
    plan = explained[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


PREPARED = "SELECT statement, custom_plans + generic_plans FROM pg_prepared_statements"


async def prepared_after_requests(url: str, times: int) -> dict[str, int]:
    """Return the server's prepared statements after some requests on one connection, with the executions of each."""
    app = create_app(settings_for_tests(url, database_pool_size=1))
    async with app.lifespan():
        client = Client(app, "alice")
        path = (await client.post("/api/tasks", json={"title": "one"})).headers["location"]
        for number in range(times):
            assert (await client.get(path)).status_code == 200
            assert (await client.patch(path, json={"title": f"no. {number}"})).json()["title"] == f"no. {number}"
        async with unscoped(engine_of(app)).connect() as connection:
            return dict(map(tuple, await connection.execute(text(PREPARED))))


def engine_of(app: Litestar) -> AsyncEngine:
    config: Any = app.plugins.get(SQLAlchemyInitPlugin).config[0]
    engine: AsyncEngine = config.get_engine()
    return engine


async def test_requests_are_prepared_on_a_direct_connection(source: Databases) -> None:
    prepared = await prepared_after_requests(source.fresh(), times=8)
    told = [used for statement, used in prepared.items() if "set_config" in statement]
    others = [used for statement, used in prepared.items() if "set_config" not in statement]

    assert others == [7, 7]
    assert told == ([16] if isinstance(source, RestrictedDatabases) else [])


@needs_pgbouncer
async def test_requests_are_not_prepared_behind_a_pooler(source: Databases) -> None:
    with pooled(source.fresh()) as pooler:
        assert await prepared_after_requests(pooler.url, times=8) == {}


MIGRATIONS = (
    "ALTER TABLE tasks ALTER title TYPE text",
    "ALTER TABLE tasks ADD COLUMN more integer NOT NULL DEFAULT 7",
    "ALTER TABLE tasks ALTER title TYPE varchar(300)",
    "CREATE INDEX more ON tasks (more)",
    "ALTER TABLE tasks RENAME TO old_tasks; ALTER TABLE old_tasks RENAME TO tasks",
    "ALTER TABLE tasks DROP COLUMN more",
)


async def test_no_request_fails_during_a_migration(source: Databases) -> None:
    url = source.fresh()
    app = create_app(settings_for_tests(url, database_pool_size=3))
    done = asyncio.Event()

    async def live(user: str) -> None:
        client, count = Client(app, user), 0
        path = (await client.post("/api/tasks", json={"title": "one"})).headers["location"]
        while not done.is_set() or count < 10:
            count += 1
            written = await client.patch(path, json={"title": f"no. {count}"})
            read = await client.get(path)
            assert [r.status_code for r in (written, read)] == [200, 200], (written.text, read.text)
            assert written.json() == read.json() == {**read.json(), "title": f"no. {count}", "user_id": user}

    async def migrate() -> None:
        owner = await psycopg.AsyncConnection.connect(source.for_owner(url), autocommit=True)
        for command in MIGRATIONS * 2:
            await owner.execute(command)
            await asyncio.sleep(0.02)
        await owner.close()
        done.set()

    async with app.lifespan():
        await asyncio.gather(*(live(f"user-{number}") for number in range(3)), migrate())

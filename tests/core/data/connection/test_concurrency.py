"""Concurrency limits: one owner uses a part of the pool, further statements wait, and other owners do not."""

import asyncio
import gc
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from itertools import islice
from random import Random
from typing import Any

import psycopg
import pytest
from litestar import Litestar
from sqlalchemy import Integer, cast, literal, make_url, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.util import greenlet_spawn

from app.asgi import create_app
from app.core.data.connection.concurrency import ConcurrencyLimiter
from app.core.data.errors import OwnerBusy
from app.core.data.ownership.guard import bind_owner
from app.core.data.ownership.plugin import make_alchemy
from app.core.data.ownership.session import AppSession
from app.core.data.repository.pages import PageRequest
from app.core.data.repository.repository import Repository
from app.tasks.models import Task
from app.testing.clients import Client, assert_error
from app.testing.databases import Databases, settings_for_tests

MAX_CONNECTIONS = 2  # of a pool of 4 or 8, see `concurrency.py`
MANY = 12
SEEDS = range(20)


async def use(limiter: ConcurrencyLimiter, owner: str, used: Counter[str], steps: int) -> None:
    """Use a slot for some steps of the event loop."""
    await limiter.acquire(owner)
    used[owner] += 1
    assert used[owner] <= MAX_CONNECTIONS
    try:
        for _ in range(steps):
            await asyncio.sleep(0)
    finally:
        used[owner] -= 1
        limiter.release(owner)


@pytest.mark.any_database
@pytest.mark.parametrize("seed", SEEDS)
async def test_cancellations_neither_exceed_the_limit_nor_leak_slots(seed: int) -> None:
    chance = Random(seed)  # noqa: S311  # no secret
    limiter, used = ConcurrencyLimiter(MAX_CONNECTIONS, 5), Counter[str]()
    uses = (use(limiter, chance.choice("ab"), used, chance.randrange(3)) for _ in range(40))
    tasks = [asyncio.create_task(each) for each in uses]
    while not all(task.done() for task in tasks):
        chance.choice(tasks).cancel()
        for _ in range(chance.randrange(3)):
            await asyncio.sleep(0)
    ended = await asyncio.gather(*tasks, return_exceptions=True)

    assert {type(end) for end in ended} <= {type(None), asyncio.CancelledError}
    assert not any(used.values())
    assert not limiter._in_use
    assert not limiter._waiters


@pytest.mark.any_database
async def test_slots_are_given_in_the_order_of_the_requests() -> None:
    limiter, order = ConcurrencyLimiter(1, 5), list[int]()

    async def note(number: int) -> None:
        await limiter.acquire("alice")
        order.append(number)
        await asyncio.sleep(0)
        limiter.release("alice")

    await asyncio.gather(*map(note, range(MANY)))

    assert order == list(range(MANY))


@pytest.mark.any_database
async def test_a_waiter_that_times_out_is_refused_and_removed() -> None:
    limiter = ConcurrencyLimiter(1, 0.01)
    await limiter.acquire("alice")
    with pytest.raises(OwnerBusy):
        await limiter.acquire("alice")
    await limiter.acquire("bob")
    limiter.release("alice")
    await limiter.acquire("alice")

    assert limiter._in_use == {"alice": 1, "bob": 1}
    assert not limiter._waiters


@contextmanager
def locked(databases: Databases, url: str) -> Iterator[None]:
    """Lock tasks against all writes."""
    if make_url(url).get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(make_url(url).database), isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("BEGIN IMMEDIATE")
            yield
    else:
        with psycopg.connect(databases.for_owner(url)) as connection:
            connection.execute("LOCK TABLE tasks IN EXCLUSIVE MODE")
            yield


@pytest.fixture
def url(databases: Databases) -> str:
    return databases.fresh()


async def started(url: str, seconds: float) -> AsyncIterator[Litestar]:
    """Start the application with a small pool and this timeout for a slot."""
    app = create_app(
        settings_for_tests(url, database_pool_size=8, database_pool_timeout=seconds, database_max_overflow=0)
    )
    async with app.lifespan():
        yield app


@pytest.fixture
async def app(url: str) -> AsyncIterator[Litestar]:
    async for app in started(url, seconds=2.0):
        yield app


@pytest.fixture
async def impatient_app(url: str) -> AsyncIterator[Litestar]:
    async for app in started(url, seconds=0.1):
        yield app


async def test_many_requests_of_one_user_do_not_delay_another(app: Litestar, databases: Databases, url: str) -> None:
    alice, bob = Client(app, "alice"), Client(app, "bob")
    with locked(databases, url):
        asked = [asyncio.create_task(alice.post("/api/tasks", json={"title": "a"})) for _ in range(MANY)]
        await asyncio.sleep(0.1)
        for _ in range(MANY):
            async with asyncio.timeout(1):
                assert (await bob.get("/api/tasks")).status_code == 200
        assert not any(task.done() for task in asked)
    answers = await asyncio.gather(*asked)

    assert {answer.status_code for answer in answers} == {201}
    assert len((await alice.get("/api/tasks")).json()) == MANY


async def test_too_many_requests_at_once_are_a_429(impatient_app: Litestar, databases: Databases, url: str) -> None:
    alice = Client(impatient_app, "alice")
    with locked(databases, url):
        asked = [asyncio.create_task(alice.post("/api/tasks", json={"title": "a"})) for _ in range(MANY)]
        ended = asyncio.as_completed(asked)
        refused = [await answer for answer in islice(ended, MANY - MAX_CONNECTIONS)]
    for answer in refused:
        assert "too many requests at the same time" in assert_error(answer, 429)["detail"]
        assert answer.headers["retry-after"] == "1"

    assert [(await answer).status_code for answer in ended] == [201] * MAX_CONNECTIONS


async def add_row(session: AppSession) -> None:
    session.add(Task(title="x", user_id=str(session.sync_session.owner)))
    await session.commit()


async def use_atomic(session: AppSession) -> None:
    async with session.atomic():
        pass


METHODS: dict[str, Callable[[AppSession], Awaitable[Any]]] = {
    "a page": lambda session: Repository.of(Task)(session=session).select_page(PageRequest(1)),
    "execute": lambda session: session.execute(select(Task)),
    "scalars": lambda session: session.scalars(select(Task)),
    "an update": lambda session: session.execute(update(Task).values(title="x")),
    "get": lambda session: session.get(Task, 1),
    "a flush": add_row,
    "count": lambda session: Repository.of(Task)(session=session).count(),
    "atomic": use_atomic,
}


@pytest.fixture
async def sessions(postgres: Databases) -> AsyncIterator[async_sessionmaker[AppSession]]:
    """Sessions with a short timeout, on PostgreSQL: SQLite has only one transaction at a time."""
    alchemy = make_alchemy(settings_for_tests(postgres.fresh(), database_pool_size=8, database_pool_timeout=0.05))
    maker: async_sessionmaker[AppSession] = alchemy.create_session_maker()  # type: ignore[assignment]
    yield maker
    assert not alchemy.get_engine().get_execution_options()["limiter"]._in_use
    await alchemy.get_engine().dispose()


@asynccontextmanager
async def two_slots_of_alice(sessions: async_sessionmaker[AppSession], method: str) -> AsyncIterator[None]:
    async with sessions() as first, sessions() as second:
        for session in (first, second):
            bind_owner(session, "alice")
        if method == "atomic":
            async with first.atomic(), second.atomic(), first.atomic():
                yield
        else:
            for session in (first, second):
                await METHODS[method](session)
            yield


@pytest.mark.parametrize("held", ["atomic", "execute", "get"])
@pytest.mark.parametrize("method", METHODS)
async def test_every_method_of_a_session_waits_for_a_slot(
    sessions: async_sessionmaker[AppSession], held: str, method: str
) -> None:
    async with sessions() as third, sessions() as other:
        bind_owner(third, "alice")
        bind_owner(other, "bob")
        async with two_slots_of_alice(sessions, held):
            await METHODS[method](other)
            with pytest.raises(OwnerBusy):
                await METHODS[method](third)
            await third.rollback()
        await METHODS[method](third)


async def test_a_session_with_a_slot_does_not_wait_again(sessions: async_sessionmaker[AppSession]) -> None:
    async with two_slots_of_alice(sessions, "execute"), sessions() as session:
        bind_owner(session, "bob")
        async with session.atomic():
            for ask in METHODS.values():
                if ask is not METHODS["a flush"]:
                    await ask(session)
            async with session.atomic():
                await METHODS["execute"](session)


async def test_a_failed_statement_releases_its_slot(sessions: async_sessionmaker[AppSession]) -> None:
    for _ in range(3 * MAX_CONNECTIONS):
        async with sessions() as session:
            bind_owner(session, "alice")
            with pytest.raises(DBAPIError):
                await session.execute(select(Task).where(cast(literal("x"), Integer) == 1))


async def test_a_session_that_is_not_closed_releases_its_slot(sessions: async_sessionmaker[AppSession]) -> None:
    limiter = sessions().get_bind().get_execution_options()["limiter"]
    session = sessions()
    bind_owner(session, "alice")
    await session.execute(select(Task))
    assert limiter._in_use == {"alice": 1}
    connection = await greenlet_spawn(session.sync_session.transaction_connection)
    del session
    gc.collect()

    assert not limiter._in_use
    connection.invalidate()

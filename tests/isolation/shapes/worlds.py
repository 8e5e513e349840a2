"""A world: a database with rows, on one connection whose changes are rolled back after each shape.

Layers 2 and 3 are off: the role owns the tables, and the triggers and foreign keys are dropped. New rows get the same
ids in every world, because sequences are not compared.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from copy import copy
from typing import Any, Final, NamedTuple

import psycopg
from sqlalchemy import Dialect, insert
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from sqlalchemy.util import LRUCache

from app.core.data.connection.engine import make_engine
from app.core.data.ownership.engines import scoped
from app.core.data.ownership.guard import bind_owner, everyone
from app.core.data.ownership.session import JOINED, AppSession
from app.testing.databases import Databases, settings_for_tests
from app.testing.rollback import make_isolated_engine
from tests.isolation.shapes.rows import MALLORY, MINE, THEIRS, Rows

_NEXT_ID: Final = 9000
_TABLES: Final = ("projects", "tasks")

_DROP: Final = {
    "sqlite": "SELECT 'DROP TRIGGER \"' || name || '\"' FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": """
        SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)
        FROM pg_constraint WHERE contype = 'f'
        UNION ALL SELECT format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass)
        FROM pg_trigger WHERE NOT tgisinternal
    """,
}
_SET_SEQUENCES: Final = {
    "sqlite": f"UPDATE sqlite_sequence SET seq = {_NEXT_ID - 1}",
    "postgresql": "SELECT " + ", ".join(f"setval('{table}_id_seq', {_NEXT_ID}, false)" for table in _TABLES),
}
_START_AGAIN: Final = f"ROLLBACK; {_SET_SEQUENCES['postgresql']}; BEGIN"


class Stored(NamedTuple):
    """All rows of a world, as JSON texts of the database."""

    mine: list[str]
    theirs: list[str]


class World:
    """One database, its rows, and the sessions that work in it."""

    def __init__(self, engine: AsyncEngine, driver: Any) -> None:
        self.engine = engine
        self.dialect = engine.dialect.name
        self.before = Stored([], [])
        self._driver = driver
        self._changes = 0
        self._open = self._maker()

    def _maker(self) -> async_sessionmaker[AppSession]:
        return async_sessionmaker(scoped(self.engine), class_=AppSession, expire_on_commit=False, info={JOINED: True})

    def compile_with(self, dialect: Dialect, cache: LRUCache[Any, Any]) -> None:
        """Use this dialect and this cache of compiled statements from now on."""
        self.engine.sync_engine.dialect = dialect
        self.engine.update_execution_options(compiled_cache=cache)
        self._open = self._maker()

    def session(self, owner: str = MALLORY) -> AppSession:
        """Return a new session of this owner."""
        session = self._open()
        bind_owner(session, owner)
        return session

    def unscoped_session(self) -> AppSession:
        """Return a new session for all owners, with layer 1 off."""
        return everyone(self._open())

    async def prepare(self, rows: Rows) -> None:
        """Remove layers 2 and 3, store the rows, and begin a transaction."""
        if self.dialect == "sqlite":
            await self._driver.execute("PRAGMA foreign_keys=OFF")
        for (statement,) in await self._ask(_DROP[self.dialect]):
            await self._driver.execute(statement)
        await self._driver.execute("BEGIN")  # the engine for tests uses savepoints
        async with self.unscoped_session() as session, session.atomic():
            for model, values in rows.items():
                await session.execute(insert(model), values)
        await self._driver.execute("COMMIT")
        if self.dialect == "postgresql":
            # Not on SQLite: with statistics the worlds have other plans, and in one of them SQLite 3.40 drops the
            # second condition of `id IN (SELECT ...) AND id <= other.project_id`, so the answers differ without a leak.
            await self._driver.execute("ANALYZE")
        await self._driver.execute(_SET_SEQUENCES[self.dialect])
        self.before = await self._stored(_STORED[self.dialect])
        if self.dialect == "postgresql":
            await self._driver.execute(f"PREPARE stored AS {_STORED[self.dialect]}")
        await self._begin()

    async def settle(self) -> Stored:
        """Return all rows, then roll back to the state before."""
        if self.dialect == "sqlite":
            return await self._settle_sqlite()
        try:  # in one round trip
            return await self._stored("EXECUTE stored; " + _START_AGAIN)
        except psycopg.errors.InFailedSqlTransaction:
            await self._driver.execute(_START_AGAIN)
            return self.before

    async def _settle_sqlite(self) -> Stored:
        if self._driver.in_transaction and self._driver.total_changes == self._changes:
            return self.before
        stored = await self._stored(_STORED["sqlite"])
        await self._driver.rollback()
        await self._begin()
        return stored

    async def _begin(self) -> None:
        await self._driver.execute("BEGIN")
        self._changes = getattr(self._driver, "total_changes", 0)

    async def _stored(self, query: str) -> Stored:
        found = await self._ask(query)
        return Stored([row for is_mine, row in found if is_mine], [row for is_mine, row in found if not is_mine])

    async def _ask(self, query: str) -> list[Any]:
        cursor = await self._driver.execute(query)
        found: list[Any] = await cursor.fetchall()
        return found


def _query_of_all(array: str) -> str:
    tables: list[Any] = [model.__table__ for model in MINE]
    rows = [(table.name, f"'{table.name}' || {array.format(', '.join(table.c.keys()))}") for table in tables]
    return " UNION ALL ".join(f"SELECT user_id = '{MALLORY}', {row} FROM {name}" for name, row in rows) + " ORDER BY 2"


_STORED: Final = {
    "sqlite": _query_of_all("json_array({})"),
    "postgresql": _query_of_all("jsonb_build_array({})::text"),
}


@asynccontextmanager
async def world_on(url: str, rows: Rows) -> AsyncIterator[World]:
    """Open a world with these rows on this database."""
    # The suite's engine for tests in one transaction; it has the application's dialect.
    engine = make_engine(settings_for_tests(url))
    isolated = make_isolated_engine(engine)
    async with isolated.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        world = World(isolated, driver)
        await world.prepare(rows)
        yield world
        await driver.rollback()
    await isolated.dispose()
    await engine.dispose()


class Worlds(NamedTuple):
    """Mallory's rows alone, the same rows among those of others, and no rows at all."""

    alone: World
    among_others: World
    empty: World

    def share_compiled(self) -> None:
        """Share one cache of compiled statements, because compiling takes as long as executing.

        The cache is empty at first: SQLAlchemy's caches have the dialect in their key, and the dialect is new.
        """
        dialect, cache = copy(self.alone.engine.sync_engine.dialect), LRUCache[Any, Any](500)
        vars(dialect).pop("variants", None)
        for world in self:
            world.compile_with(dialect, cache)


@asynccontextmanager
async def worlds_on(databases: Databases) -> AsyncIterator[Worlds]:
    """Open the worlds on fresh databases of one kind."""
    both = {model: [*MINE[model], *THEIRS[model]] for model in MINE}
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(world_on(databases.fresh(), rows)) for rows in (MINE, both, {})]
        worlds = Worlds(*opened)
        worlds.share_compiled()
        yield worlds

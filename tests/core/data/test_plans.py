"""Plans: what is compiled once binds and reads like SQLAlchemy, and nothing of a broken run stays behind."""

import asyncio
from datetime import UTC, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Table, bindparam, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from app.core.data.alchemy import make_alchemy
from app.core.data.owned import Owned, owned_models
from app.core.data.ownership import bind_owner
from app.core.data.plans import Plan
from app.core.data.repository import Repository
from app.core.data.rows import columns_of
from app.core.data.session import AppSession
from app.tasks.models import Task
from app.testing.databases import Databases, settings_for_tests
from app.testing.factories import factory_of

BUSY = """
    SELECT count(*) FROM pg_stat_activity
    WHERE state <> 'idle' AND pid <> pg_backend_pid() AND datname = current_database()
"""

models = pytest.mark.parametrize("model", owned_models(), ids=lambda model: model.__name__)


def values_of(model: type[Owned]) -> dict[str, Any]:
    row = factory_of(model).build()
    left_out = {"id", "user_id", "created_at", "updated_at"}
    return {column.key: getattr(row, column.key) for column in columns_of(model) if column.key not in left_out}


@models
async def test_rows_are_what_sqlalchemy_reads(model: type[Owned], db: AppSession) -> None:
    rows: Any = Repository.of(model)(session=db)
    row = await rows.insert_one({**values_of(model), "user_id": "alice"})
    selected = (await db.execute(select(*columns_of(model)))).one()

    read = await rows.select_one(row.id)
    assert [getattr(read, column.key) for column in columns_of(model)] == list(selected)
    assert row == read


@models
async def test_defaults_are_filled_in(model: type[Owned], db: AppSession) -> None:
    rows: Any = Repository.of(model)(session=db)
    row = await rows.insert_one({**values_of(model), "user_id": "alice"})
    name, value = next(iter(values_of(model).items()))
    changed = await rows.update_one(row.id, {name: value})

    assert row.created_at == row.updated_at == changed.created_at
    assert row.updated_at < changed.updated_at < row.updated_at + timedelta(minutes=1)
    assert row.created_at.tzinfo is UTC


async def test_moments_are_utc_whatever_the_server_speaks(postgres: Databases) -> None:
    url = postgres.fresh()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET timezone = 'Asia/Tokyo'")
    alchemy = make_alchemy(settings_for_tests(url))
    sessions: async_sessionmaker[AppSession] = alchemy.create_session_maker()  # type: ignore[assignment]
    async with sessions() as session:
        bind_owner(session, "alice")
        row = await Repository.of(Task)(session=session).insert_one({"title": "now"})
    async with alchemy.get_engine().connect() as raw:
        assert await raw.scalar(text("SHOW timezone")) == "UTC"
    await alchemy.get_engine().dispose()

    assert row.created_at.tzinfo is UTC


def test_a_list_of_values_is_refused(engine: AsyncEngine) -> None:
    table: Any = inspect(Task).local_table
    statement = select(table.c.id).where(table.c.id.in_(bindparam("ids", expanding=True)))

    with pytest.raises(TypeError, match="cannot be compiled once"):
        Plan(statement, engine.dialect, ("ids",))


def test_a_missing_value_is_refused(engine: AsyncEngine) -> None:
    table: Table = Task.__table__  # type: ignore[assignment]
    plan = Plan(select(table.c.id).where(table.c.user_id == bindparam("_owner")), engine.dialect, ())

    with pytest.raises(KeyError, match="_owner"):
        plan.bind({})


async def test_a_cancelled_statement_leaves_no_connection(postgres: Databases) -> None:
    url = postgres.fresh()
    alchemy = make_alchemy(settings_for_tests(url))
    engine = alchemy.get_engine()
    sessions: async_sessionmaker[AppSession] = alchemy.create_session_maker()  # type: ignore[assignment]
    with psycopg.connect(url) as blocker:
        blocker.execute("LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE")
        async with sessions() as session:
            bind_owner(session, "alice")
            waiting = asyncio.create_task(Repository.of(Task)(session=session).insert_one({"title": "never"}))
            while not blocker.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        assert blocker.execute(BUSY).fetchone() == (0,)
        blocker.rollback()
        assert blocker.execute("SELECT count(*) FROM tasks").fetchone() == (0,)
    await engine.dispose()

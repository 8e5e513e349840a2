"""Compiled statements convert values and rows as SQLAlchemy does, and a cancelled one leaves no connection behind."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    Double,
    Enum,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Time,
    Uuid,
    bindparam,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from sqlmodel.sql.sqltypes import UTCDateTime

from app.core.data.connection.compiled import CompiledStatement
from app.core.data.connection.engine import make_engine
from app.core.data.connection.execution import execute_on_engine
from app.core.data.connection.failures import Failure, classify
from app.core.data.errors import OwnerNotBound
from app.core.data.ownership.engines import unscoped
from app.core.data.ownership.guard import bind_owner
from app.core.data.ownership.plugin import make_alchemy
from app.core.data.ownership.session import AppSession
from app.core.data.repository.repository import Repository
from app.core.data.sql.owner_compiler import OWNER
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import columns_of
from app.tasks.models import Task
from app.testing.databases import Databases, settings_for_tests
from app.testing.factories import factory_of
from tests.parts.resources import models

BUSY = """
    SELECT count(*) FROM pg_stat_activity
    WHERE state <> 'idle' AND pid <> pg_backend_pid() AND datname = current_database()
"""


async def values_of(model: type[Owned]) -> dict[str, Any]:
    """Return values for a new row of alice; the rows that it references exist."""
    row: Any = await factory_of(model).create_async(user_id="alice")
    left_out = {"id", "created_at", "updated_at"}
    return {column.key: getattr(row, column.key) for column in columns_of(model) if column.key not in left_out}


@models
async def test_rows_equal_those_that_sqlalchemy_reads(model: type[Owned], db: AppSession) -> None:
    rows: Any = Repository.of(model)(session=db)
    row = await rows.insert_one(await values_of(model))
    selected = (await db.execute(select(*columns_of(model)).where(columns_of(model)[0] == row.id))).one()

    read = await rows.select_one(row.id)
    assert [getattr(read, column.key) for column in columns_of(model)] == list(selected)
    assert row == read


@models
async def test_column_defaults_are_applied(model: type[Owned], db: AppSession) -> None:
    rows: Any = Repository.of(model)(session=db)
    row = await rows.insert_one(await values_of(model))
    name = next(c.key for c in columns_of(model) if c.key not in {"id", "user_id", "created_at", "updated_at"})
    changed = await rows.update_one(row.id, {name: "changed"})

    assert row.created_at == row.updated_at == changed.created_at
    assert row.updated_at < changed.updated_at < row.updated_at + timedelta(minutes=1)
    assert row.created_at.tzinfo is UTC


KINDS: Any = Table(
    "kinds",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("float", Float),
    Column("double", Double),
    Column("numeric", Numeric(10, 2)),
    Column("date", Date),
    Column("time", Time),
    Column("moment", UTCDateTime),
    Column("uuid", Uuid),
    Column("enum", Enum("red", "green", name="colour")),
    Column("json", JSON),
    Column("bytes", LargeBinary),
    Column("flag", Boolean),
)
VALUES: dict[str, Any] = {
    "float": 1.5,
    "double": 2.25,
    "numeric": Decimal("12.34"),
    "date": date(2026, 2, 28),
    "time": time(23, 59),
    "moment": datetime(2026, 2, 28, 12, tzinfo=UTC),
    "uuid": UUID(int=7),
    "enum": "red",
    "json": {"a": [1, None]},
    "bytes": b"\x00\xff",
    "flag": True,
}


@pytest.mark.filterwarnings("ignore:Dialect sqlite:sqlalchemy.exc.SAWarning")  # SQLite stores decimals as floats
@pytest.mark.parametrize("row", [VALUES, dict.fromkeys(VALUES)], ids=["values", "nulls"])
async def test_every_column_type_is_read_as_sqlalchemy_reads_it(databases: Databases, row: dict[str, Any]) -> None:
    engine = make_engine(settings_for_tests(databases.for_owner(databases.fresh())))
    async with engine.connect() as connection:
        await connection.run_sync(KINDS.metadata.create_all)
        inserted = await execute_on_engine(engine.sync_engine, None, insert(KINDS).returning(*KINDS.c), row)
        selected = (await connection.execute(select(KINDS))).all()
    read = await execute_on_engine(engine.sync_engine, None, select(KINDS), {})
    await engine.dispose()

    assert [tuple(found) for found in selected] == [*map(tuple, inserted)] == [*map(tuple, read)]
    assert read[0][1:] == tuple(row.values())


@pytest.mark.parametrize(
    "stored",
    [
        "2026-02-28 12:00:00.000001",
        "2026-02-28 12:00:00",
        "2026-02-28",
        "2026-02-28T12:00:00Z",
        "2026-02-28 12:00:00+02:00",
        "2026-02-28+02:00",
    ],
)
async def test_a_timestamp_in_another_format_is_read_as_sqlalchemy_reads_it(
    sqlite_databases: Databases, stored: str
) -> None:
    engine = make_engine(settings_for_tests(sqlite_databases.fresh()))
    async with engine.connect() as connection:
        await connection.run_sync(KINDS.metadata.create_all)
        await connection.execute(text("INSERT INTO kinds (moment) VALUES (:stored)"), {"stored": stored})
        selected = (await connection.execute(select(KINDS.c.moment))).all()
    read = await execute_on_engine(engine.sync_engine, None, select(KINDS.c.moment), {})
    await engine.dispose()

    assert [*map(tuple, read)] == [tuple(found) for found in selected]
    assert read[0][0].tzinfo is UTC


@pytest.mark.parametrize(("column", "value"), [("id", 2**70), ("float", 10**400)], ids=["integer", "float"])
async def test_a_number_out_of_range_is_invalid_on_both_databases(
    databases: Databases, column: str, value: int
) -> None:
    """The driver of SQLite raises OverflowError, which is no error of SQLAlchemy's."""
    engine = make_engine(settings_for_tests(databases.for_owner(databases.fresh())))
    async with engine.begin() as connection:
        await connection.run_sync(KINDS.metadata.create_all)
    with pytest.raises(DBAPIError) as refusal:
        await execute_on_engine(engine.sync_engine, None, insert(KINDS).returning(KINDS.c.id), {column: value})
    await engine.dispose()

    assert classify(refusal.value) is Failure.INVALID


async def test_timestamps_are_utc_in_any_time_zone_of_the_server(postgres: Databases) -> None:
    url = postgres.fresh()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET timezone = 'Asia/Tokyo'")
    alchemy = make_alchemy(settings_for_tests(url))
    sessions: async_sessionmaker[AppSession] = alchemy.create_session_maker()  # type: ignore[assignment]
    async with sessions() as session:
        bind_owner(session, "alice")
        row = await Repository.of(Task)(session=session).insert_one({"title": "now"})
    async with unscoped(alchemy.get_engine()).connect() as raw:
        assert await raw.scalar(text("SHOW timezone")) == "UTC"
    await alchemy.get_engine().dispose()

    assert row.created_at.tzinfo is UTC


async def test_an_expanding_parameter_is_refused(engine: AsyncEngine) -> None:
    table: Any = inspect(Task).local_table
    statement = select(table.c.id).where(table.c.id.in_(bindparam("ids", expanding=True)))

    with pytest.raises(TypeError, match="cannot be compiled once"):
        CompiledStatement(statement, engine.dialect, ("ids",))


async def test_a_missing_value_is_refused(engine: AsyncEngine) -> None:
    table: Table = Task.__table__  # type: ignore[assignment]
    compiled = CompiledStatement(select(table.c.id).where(table.c.id == bindparam("_id")), engine.dialect, ())

    with pytest.raises(KeyError, match="_id"):
        compiled.bind({OWNER.key: "alice"})
    with pytest.raises(OwnerNotBound):
        compiled.bind({"_id": 1})


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

"""Lists of values: one parameter and one plan for any length, with values that the column's type converts."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, MetaData, String, Table, Uuid, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from sqlmodel.sql.sqltypes import UTCDateTime

from app.core.data.connection.engine import make_engine
from app.core.data.connection.execution import execute_on_engine
from app.core.data.ownership.engines import unscoped
from app.core.data.ownership.guard import bind_owner
from app.core.data.ownership.session import AppSession
from app.core.data.sql.value_lists import any_of
from app.core.data.tables.choices import Choice
from app.core.data.tables.registry import columns_of
from app.tasks.models import Task
from app.testing.clients import CountQueries
from app.testing.databases import Databases, settings_for_tests
from app.testing.factories import factory_of


class Colour(StrEnum):
    RED = "red"
    GREEN = "light green"


MOMENT = datetime(2026, 2, 28, 12, 0, 0, 123456, tzinfo=UTC)
KINDS: Any = Table(
    "list_kinds",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("number", BigInteger),
    Column("text", String(5)),
    Column("moment", UTCDateTime),
    Column("uuid", Uuid),
    Column("colour", Choice(Colour)),
    Column("fraction", Float),
    Column("flag", Boolean),
)
VALUES: dict[str, tuple[Any, Any, Any]] = {  # two that are stored, and one that is not
    "number": (2**63 - 1, -(2**53) - 1, 7),
    "text": ("a'\"{,", "🥛\\ ", "a'\"{,}"),  # longer than the column, with the same beginning
    "moment": (MOMENT, MOMENT + timedelta(microseconds=1), MOMENT + timedelta(microseconds=2)),
    "uuid": (UUID(int=0), UUID(int=2**128 - 1), UUID(int=1)),
    "colour": (Colour.RED, Colour.GREEN, Colour.GREEN),
    "fraction": (0.1, 1e22, 0.2),
    "flag": (True, False, False),
}


@pytest.fixture
async def kinds(databases: Databases) -> Any:
    """An engine on a database with the table, which has two rows, and one without values."""
    engine = make_engine(settings_for_tests(databases.for_owner(databases.fresh())))
    async with engine.begin() as connection:
        await connection.run_sync(KINDS.create)
        rows = [{name: values[place] for name, values in VALUES.items()} for place in (0, 1)]
        await connection.execute(insert(KINDS), [*rows, dict.fromkeys(VALUES)])
    yield engine
    await engine.dispose()


@pytest.mark.parametrize("name", VALUES)
async def test_a_list_finds_the_rows_with_one_of_its_values(kinds: AsyncEngine, name: str) -> None:
    first, second, other = VALUES[name]
    statement = select(KINDS.c.id).where(any_of(KINDS.c[name], "values")).order_by(KINDS.c.id)

    for values, found in (
        ([first], [1]),
        ([second, first, first], [1, 2]),
        ([], []),
        ([other], [2] if other == second else []),
        ([other] * 1000 + [first], [1, 2] if other == second else [1]),
    ):
        rows = await execute_on_engine(unscoped(kinds).sync_engine, None, statement, {"values": values})
        assert [row[0] for row in rows] == found, values


async def test_a_list_of_any_length_is_one_plan_about_the_owners_rows(
    db: AppSession, sessions: async_sessionmaker[AppSession], count_queries: CountQueries
) -> None:
    mine = await factory_of(Task).create_batch_async(3, user_id="alice")
    theirs = await factory_of(Task).create_async(user_id="bob")
    ids = columns_of(Task)[0]
    statement = select(ids).where(any_of(ids, "ids")).order_by(ids)
    async with sessions() as session:
        bind_owner(session, "alice")
        with count_queries() as executed:
            found = [
                [row[0] for row in await session.run(statement, {"ids": listed})]
                for listed in ([], [mine[1].id], [task.id for task in (*mine, theirs)] * 50)
            ]

    assert found == [[], [mine[1].id], [task.id for task in mine]]
    assert len(executed) == 3
    assert len(set(executed)) == 1


async def test_a_list_belongs_into_a_statement_of_the_orm_as_well(db: AppSession) -> None:
    task = await factory_of(Task).create_async(user_id="alice")
    statement = select(Task).where(any_of(columns_of(Task)[0], "ids"))

    assert (await db.scalars(statement, {"ids": [task.id, 0]})).one().title == task.title

"""The repository's own statements, and the session's: about the session's owner, or about everyone."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from sqlalchemy import BigInteger, func, inspect, literal, select
from sqlalchemy.ext.asyncio import async_sessionmaker

from app.core.data.errors import OwnerNotBound, RowNotFound
from app.core.data.ownership.guard import bind_owner
from app.core.data.ownership.session import AppSession
from app.core.data.repository.pages import PageRequest
from app.core.data.repository.repository import Repository
from app.core.data.sql.conditions import Sort
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import owned_models
from app.tasks.models import Task
from app.testing.clients import CountQueries
from app.testing.factories import factory_of
from tests.parts.resources import models


@models
async def test_a_session_for_everyone_reaches_all_rows(model: type[Owned], db: AppSession) -> None:
    factory: Any = factory_of(model)
    alices, bobs = [await factory.create_async(user_id=user) for user in ("alice", "bob")]
    repository = Repository.of(model)(session=db)
    found = await repository.select_page(PageRequest(10, count="exact"))

    assert ([row.id for row in found.rows], found.more, found.total) == ([alices.id, bobs.id], False, 2)
    assert (await repository.select_one(bobs.id)).user_id == "bob"
    await repository.delete_one(bobs.id)
    with pytest.raises(RowNotFound):
        await repository.select_one(bobs.id)


@models
async def test_a_statement_of_a_nouns_own_is_about_the_owner(
    model: type[Owned], db: AppSession, sessions: async_sessionmaker[AppSession]
) -> None:
    factory: Any = factory_of(model)
    await factory.create_async(user_id="alice")
    table: Any = inspect(model).local_table
    counted = select(func.count()).where(func.abs(table.c.id) > 0)
    async with sessions() as session:
        with pytest.raises(OwnerNotBound):
            await session.run(counted, {})
        bind_owner(session, "mallory")

        assert list(await session.run(counted, {})) == [(0,)]
        assert list(await session.run(select(1), {})) == [(1,)]
    assert list(await db.run(counted, {})) == [(1,)]


async def test_what_a_repository_of_ones_own_keeps_is_not_the_next_ones(db: AppSession) -> None:
    class Noted(Repository[Any]):
        model_type = owned_models()[0]

        def __init__(self, *, session: AppSession, who: str) -> None:
            self.notes = [who]
            super().__init__(session=session)

    assert [Noted(session=db, who=who).notes for who in ("alice", "mallory")] == [["alice"], ["mallory"]]


class Totals(msgspec.Struct):
    """What a query of a noun's own returns."""

    number: int
    half: float
    exact: Decimal


async def test_a_query_of_a_nouns_own_has_the_types_of_its_struct(db: AppSession) -> None:
    for _ in range(2):
        await factory_of(Task).create_async(user_id="alice")
    number = func.sum(literal(1, BigInteger))
    query = select(number.label("number"), (number / 4.0).label("half"), number.label("exact")).select_from(Task)
    repository = Repository.of(Task)(session=db)

    [found] = await repository.select_as(Totals, query)

    assert found == Totals(2, 0.5, Decimal(2))
    assert [type(value) for value in msgspec.structs.astuple(found)] == [int, float, Decimal]
    with pytest.raises(msgspec.ValidationError, match="Expected `int`"):
        await repository.select_as(Totals, select(literal("x").label("number")))


@pytest.mark.parametrize("order", [(), (Sort("updated_at"),), (Sort("updated_at", True), Sort("created_at"))])
async def test_a_page_in_any_order_is_one_statement(
    db: AppSession, order: tuple[Sort, ...], count_queries: CountQueries
) -> None:
    with count_queries() as executed:
        await Repository.of(Task)(session=db).select_page(PageRequest(2, order=order, count="exact"))

    assert len(executed) == 1

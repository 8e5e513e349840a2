"""The repository's own statements, and the session's: about the session's owner, or about everyone."""

from typing import Any

import pytest
from sqlalchemy import func, inspect, select
from sqlalchemy.ext.asyncio import async_sessionmaker

from app.core.data.errors import OwnerNotBound, RowNotFound
from app.core.data.ownership.guard import bind_owner
from app.core.data.ownership.session import AppSession
from app.core.data.repository.pages import PageRequest
from app.core.data.repository.repository import Repository
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import owned_models
from app.testing.factories import factory_of
from tests.parts.resources import models


@models
async def test_a_session_for_everyone_reaches_all_rows(model: type[Owned], db: AppSession) -> None:
    factory: Any = factory_of(model)
    alices, bobs = [await factory.create_async(user_id=user) for user in ("alice", "bob")]
    repository = Repository.of(model)(session=db)
    found = await repository.select_page(PageRequest(10, count=True))

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

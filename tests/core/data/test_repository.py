"""The repository's own statements: about the session's owner, about everyone, and never without saying which."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import ColumnElement, Table, func, inspect, select, true, update
from sqlalchemy.ext.asyncio import async_sessionmaker

from app.core.data.errors import RowNotFound, UnreachableStatement
from app.core.data.owned import Owned, owned_models
from app.core.data.ownership import bind_owner
from app.core.data.repository import Cut, Repository
from app.core.data.session import AppSession
from app.core.data.statements import of_owner
from app.testing.factories import factory_of

models = pytest.mark.parametrize("model", owned_models(), ids=lambda model: model.__name__)

FORGETFUL: dict[str, Callable[[Table, ColumnElement[bool]], Any]] = {
    "everywhere": lambda table, _: select(table.c.id),
    "in an update": lambda table, _: update(table).where(table.c.id == 1).returning(table.c.id),
    "in a subquery": lambda table, mine: select(select(func.count()).select_from(table).scalar_subquery()).where(mine),
    "beside a subquery": lambda table, mine: select(table.c.id).where(
        table.c.id.in_(select(table.c.id).where(mine).scalar_subquery())
    ),
    "on one side of a join": lambda table, mine: select(
        select(table.c.id).where(mine).subquery().c.id, select(table.c.id).subquery().c.id
    ),
}


@models
@pytest.mark.parametrize("write", [pytest.param(write, id=name) for name, write in FORGETFUL.items()])
def test_a_statement_that_leaves_the_owner_out_is_refused(
    write: Callable[[Table, ColumnElement[bool]], Any], model: type[Owned]
) -> None:
    table: Any = inspect(model).local_table

    with pytest.raises(UnreachableStatement, match="leaves the owner out"):
        of_owner(lambda mine: write(table, mine), model)


@models
async def test_a_session_for_everyone_reaches_all_rows(model: type[Owned], db: AppSession) -> None:
    factory: Any = factory_of(model)
    alices, bobs = [await factory.create_async(user_id=user) for user in ("alice", "bob")]
    repository = Repository.of(model)(session=db)
    found = await repository.select_page(Cut(10, total=True))

    assert ([row.id for row in found.rows], found.more, found.total) == ([alices.id, bobs.id], False, 2)
    assert (await repository.select_one(bobs.id)).user_id == "bob"
    await repository.delete_one(bobs.id)
    with pytest.raises(RowNotFound):
        await repository.select_one(bobs.id)


@models
def test_the_condition_is_not_in_what_everyone_runs(model: type[Owned]) -> None:
    table: Any = inspect(model).local_table
    seen: list[ColumnElement[bool]] = []

    def write(mine: ColumnElement[bool]) -> Any:
        seen.append(mine)
        return select(table.c.id).where(mine)

    of_owner(write, model)

    assert len(seen) == 2
    assert seen[1].compare(true())


@models
async def test_a_statement_derived_from_one_of_these_is_refused(
    model: type[Owned], sessions: async_sessionmaker[AppSession]
) -> None:
    table: Any = inspect(model).local_table
    statement = of_owner(lambda mine: select(table.c.id).where(mine), model)
    async with sessions() as session:
        bind_owner(session, "mallory")

        assert list(await session.run(statement, {})) == []
        for run in (session.execute, session.run):
            with pytest.raises(UnreachableStatement):
                await run(statement.add_columns(select(func.count()).select_from(table).scalar_subquery()), {})

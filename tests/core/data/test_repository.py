"""The repository's own statements: about the session's owner, about everyone, and never without saying which."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import ColumnElement, Table, func, inspect, select, true, update
from sqlalchemy.ext.asyncio import async_sessionmaker

from app.core.data import repository
from app.core.data.engine import make_engine
from app.core.data.errors import RowChanged, RowNotFound, UnreachableStatement
from app.core.data.owned import Owned, owned_models
from app.core.data.ownership import bind_owner
from app.core.data.plans import Plan
from app.core.data.repository import Cut, Repository, _page_of
from app.core.data.session import AppSession
from app.core.data.statements import of_owner
from app.tasks.models import Task
from app.testing.databases import Databases, settings_for_tests
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


async def test_a_row_that_does_not_know_when_it_changed_is_in_no_state_that_anybody_has_seen(
    sessions: async_sessionmaker[AppSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "CHANGED_AT", "no column")
    for name in ("_select_of", "_update_of", "_delete_of"):
        monkeypatch.setattr(repository, name, getattr(repository, name).__wrapped__)
    async with sessions() as session:
        bind_owner(session, "alice")
        rows = Repository.of(Task)(session=session)
        row = await rows.insert_one({"title": "unseen"})

        for change in (
            rows.update_one(row.id, {"title": "changed"}, row.updated_at),
            rows.delete_one(row.id, row.updated_at),
        ):
            with pytest.raises(RowChanged):
                await change
        with pytest.raises(RowNotFound):
            await rows.delete_one(row.id + 1, row.updated_at)
        assert await rows.select_one(row.id) == row


async def test_a_page_is_found_by_its_owner_also_for_who_came_late_with_half_of_the_table(postgres: Databases) -> None:
    url = postgres.fresh()
    engine = make_engine(settings_for_tests(url))
    plan = Plan(_page_of(Task, backwards=False, count=False), engine.dialect, ("limit", "offset", "edge", "_owner"))
    with psycopg.connect(url, autocommit=True) as connection:
        for owner in ("'u' || n % 1000", "'late'"):
            connection.execute(
                f"INSERT INTO tasks (user_id, title) SELECT {owner}, 'title' FROM generate_series(1, 20000) n"
            )
        connection.execute("ANALYZE tasks")
        values = plan.bind({"limit": 101, "offset": 0, "edge": 0, "_owner": "late"})
        explained = psycopg.RawCursor(connection).execute(f"EXPLAIN {plan.text}", values).fetchall()
    await engine.dispose()
    lines = [line for (line,) in explained]

    assert any("uq_tasks_user_id" in line for line in lines), lines
    assert not any("pk_tasks" in line or "Sort" in line for line in lines), lines

"""The repository's queries: the state that a row has to be in, and the index by which a page is found."""

import psycopg
import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from app.core.data import queries, repository
from app.core.data.engine import make_engine
from app.core.data.errors import RowChanged, RowNotFound
from app.core.data.ownership import bind_owner
from app.core.data.plans import Plan
from app.core.data.queries import page_of
from app.core.data.repository import Repository
from app.core.data.session import AppSession
from app.tasks.models import Task
from app.testing.databases import Databases, settings_for_tests


async def test_a_row_that_does_not_know_when_it_changed_is_in_no_state_that_anybody_has_seen(
    sessions: async_sessionmaker[AppSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "CHANGED_AT", "no column")
    for name in ("select_of", "update_of", "delete_of"):
        monkeypatch.setattr(repository, name, getattr(queries, name).__wrapped__)
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
    plan = Plan(page_of(Task, backwards=False, count=False), engine.dialect, ("limit", "offset", "edge", "_owner"))
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

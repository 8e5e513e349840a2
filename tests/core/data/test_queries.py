"""The repository's queries: the index by which a page is found, and how many of them there can be."""

import gc

import psycopg

from app.core.data import queries, statements
from app.core.data.engine import make_engine
from app.core.data.plans import Plan
from app.core.data.queries import page_of
from app.tasks.models import Task
from app.testing.databases import Databases, settings_for_tests


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


def test_queries_that_clients_can_choose_are_not_kept_for_ever() -> None:
    """A client chooses which fields it changes, and so how many queries there are."""
    gc.collect()
    before = len(statements._MADE)
    queries.update_of.cache_clear()
    for number in range(1, 16):
        names = frozenset(
            name for bit, name in enumerate(("title", "description", "completed", "project_id")) if number >> bit & 1
        )
        queries.update_of(Task, names, in_state=False)
    assert len(statements._MADE) >= before
    queries.update_of.cache_clear()
    gc.collect()

    assert len(statements._MADE) <= before

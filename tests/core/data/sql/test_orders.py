"""Orders: each declared one is read from its index, a page at a time, also under row level security."""

import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from psycopg import sql
from sqlalchemy import make_url

from app.core.data.connection.compiled import CompiledStatement
from app.core.data.connection.rls import OWNER_SETTING
from app.core.data.repository.pages import PageRequest
from app.core.data.sql.conditions import Condition, Sort
from app.core.data.sql.pages import page_of
from app.core.data.tables.queryable import sortable_of
from app.core.data.tables.registry import table_of
from app.testing.databases import Databases
from tests.parts.plans import NUMBERS, dialect_of, nodes, opened
from tests.parts.specimens import Specimen, attached, specimens_on

LIMIT: Final = 10
ROWS: Final = 20_000
KEYS: Final[dict[str, Any]] = {
    "title": "t5",
    "nickname": "n5",
    "done": False,
    "kept": False,
    "stars": 3,
    "size": 3.0,
    "found_on": datetime(2026, 1, 3, tzinfo=UTC).date(),
    "due_at": datetime(2026, 1, 3, tzinfo=UTC),
    "created_at": datetime(2026, 1, 3, tzinfo=UTC),
}
# A tenth of the rows has each value, or a half of them; a half is null.
FILL: Final = """
    INSERT INTO specimens (
        user_id, title, title_fold, nickname_fold, done, kept, stars, size, found_on, due_at, created_at, state, tags
    )
    SELECT CASE WHEN n % 2 = 0 THEN 'bob' ELSE 'alice' END, 'T', 't' || m, CASE WHEN n % 4 < 2 THEN 'n' || m END,
        n % 3 = 0, CASE WHEN n % 4 < 2 THEN n % 3 = 0 END, CASE WHEN n % 4 < 2 THEN m END,
        CASE WHEN n % 4 < 2 THEN m END, CASE WHEN n % 4 < 2 THEN {day} END, CASE WHEN n % 4 < 2 THEN {moment} END,
        {moment}, 'as new', '[]'
    FROM (SELECT n, n / 2 % 10 AS m FROM {numbers}) AS numbered
"""
ON_SQLITE: Final = {
    "day": "'2026-01-0' || (m % 9 + 1)",
    "moment": "'2026-01-0' || (m % 9 + 1) || ' 00:00:00.000000'",
    "numbers": NUMBERS,
}
ON_POSTGRES: Final = {
    "day": "date '2026-01-01' + m::int",
    "moment": "timestamptz '2026-01-01 00:00Z' + m * interval '1 day'",
    "numbers": f"generate_series(1, {ROWS}) n",
}
MAX_STEPS: Final = 60  # times a hundred instructions of SQLite: 0.1 ms


def requests() -> dict[str, PageRequest]:
    found = {}
    for field, value in KEYS.items():
        for sort in (Sort(field), Sort(field, True)):
            name = f"{'-' * sort.is_descending}{field}"
            found[name] = PageRequest(LIMIT, order=(sort,))
            for key in [value, None] if table_of(Specimen).c[field].nullable else [value]:
                for side in ("after", "before"):
                    edge: dict[str, Any] = {side: (key, ROWS // 2)}
                    found[f"{name} {side} {key}"] = PageRequest(LIMIT, order=(sort,), **edge)
    return found


with attached():
    SORTABLE: Final = sortable_of(Specimen)
    REQUESTS: Final = requests()


def compiled(url: str, request: PageRequest) -> tuple[str, list[Any]]:
    shape, values = request.query()
    values |= {"_owner": "alice"}
    plan = CompiledStatement(page_of(Specimen, shape, dialect_of(url).name), dialect_of(url), tuple(values))
    return plan.text, plan.bind(values)


@pytest.fixture(scope="module")
async def filled(databases: Databases) -> AsyncIterator[str]:
    """The URL of a database in which alice and bob have many rows with few values."""
    async with specimens_on(databases) as sessions:
        url = sessions.url
        values = ON_SQLITE if url.startswith("sqlite") else ON_POSTGRES
        with opened(sessions.owner_url).begin() as connection:
            text = FILL.format(**values)
            connection.exec_driver_sql(text if url.startswith("sqlite") else text.replace("%", "%%"))
            if not url.startswith("sqlite"):
                connection.exec_driver_sql("ANALYZE")
        yield url


@pytest.mark.any_database
def test_each_sortable_field_is_tested() -> None:
    assert set(KEYS) == set(SORTABLE)


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
async def test_a_page_in_the_order_of_a_field_reads_a_page_of_rows_only(filled: str, request_: PageRequest) -> None:
    # As many rows have the same value, or none, as an order may have to skip.
    (check_sqlite if filled.startswith("sqlite") else check_postgres)(filled, request_)


@pytest.mark.parametrize(
    ("order", "condition", "value"),
    [
        ("due_at", Condition("done", "eq"), True),
        ("due_at", Condition("due_at", "lt"), datetime(2030, 1, 1, tzinfo=UTC)),
        ("stars", Condition("done", "eq"), True),
    ],
    ids=["another field", "the same field", "a field with few rows of a key"],
)
async def test_a_filtered_page_after_a_key_reads_no_range_that_it_does_not_need(
    filled: str, order: str, condition: Condition, value: Any
) -> None:
    key = (KEYS[order], ROWS // 2)
    request = PageRequest(LIMIT, order=(Sort(order),), after=key, conditions=(condition,), values=(value,))
    if filled.startswith("sqlite"):  # PostgreSQL has statistics
        check_sqlite(filled, request)


def check_sqlite(url: str, request: PageRequest) -> None:
    text, values = compiled(url, request)
    connection, steps = sqlite3.connect(str(make_url(url).database)), list[int]()
    connection.set_progress_handler(lambda: steps.append(1), 100)
    rows = connection.execute(text, values).fetchall()
    connection.close()

    assert len(rows) == LIMIT + 1
    assert len(steps) < MAX_STEPS


def check_postgres(url: str, request: PageRequest) -> None:
    text, values = compiled(url, request)
    with opened(url).connect() as connection:
        connection.exec_driver_sql(f"SET {OWNER_SETTING} = 'alice'")
        connection.exec_driver_sql(f"PREPARE page AS {text}")
        execute = f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE page ({', '.join(map(sql.quote, values))})"
        for mode in ("force_custom_plan", "force_generic_plan"):
            connection.exec_driver_sql(f"SET plan_cache_mode = {mode}")
            ((explained,),) = connection.exec_driver_sql(execute).scalars()
            scans = [node for node in nodes(explained["Plan"]) if "Relation Name" in node and node["Actual Loops"]]

            assert {node["Node Type"] for node in scans} <= {"Index Scan", "Index Only Scan"}, scans
            assert all(node["Actual Rows"] <= LIMIT + 2 for node in scans), scans
            assert not any(node.get("Rows Removed by Filter") for node in scans), scans

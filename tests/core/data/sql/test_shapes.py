"""Shapes: whatever clients choose, a process keeps a bounded number of statements and plans, and no other holds on."""

import gc
import weakref
from collections.abc import Iterator
from random import Random

import pytest
from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.dialects import sqlite

from app.core.data.connection import compiled
from app.core.data.sql import pages, statements
from app.core.data.sql.conditions import Sort
from app.core.data.sql.pages import PageShape, page_of
from app.core.data.sql.shapes import MAX_SHAPES
from app.core.data.sql.statements import update_of
from app.tasks.models import Task

NAMES = [f"column_{number}" for number in range(20)]
WIDE = Table("wide", MetaData(), Column("id", Integer), *(Column(name, Integer, nullable=False) for name in NAMES))


@pytest.fixture(autouse=True)
def wide_table(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the statements be about a table with a million sets of columns."""
    caches = (update_of, page_of, compiled.compile_statement)
    for module in (statements, pages):
        monkeypatch.setattr(module, "table_of", lambda _: WIDE)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def random_sets(count: int) -> Iterator[list[str]]:
    random = Random(1)  # noqa: S311  # no secret
    return (random.sample(NAMES, random.randint(3, len(NAMES) - 1)) for _ in range(count))


@pytest.mark.slow
def test_ten_thousand_sets_of_changed_columns_leave_the_cache_at_its_bound() -> None:
    first = weakref.ref(update_of(Task, frozenset(NAMES), at_version=False))
    for names in random_sets(10_000):
        update_of(Task, frozenset(names), at_version=False)
    gc.collect()

    assert update_of.cache_info().currsize == MAX_SHAPES
    assert first() is None


@pytest.mark.slow
def test_ten_thousand_orders_leave_the_cache_at_its_bound() -> None:
    first = weakref.ref(page_of(Task, PageShape((Sort("column_1"),), None)))
    for names in random_sets(10_000):
        page_of(Task, PageShape(tuple(map(Sort, names[:3])), None))
    gc.collect()

    assert page_of.cache_info().currsize == MAX_SHAPES
    assert first() is None


def test_plans_are_not_kept_for_ever() -> None:
    dialect = sqlite.dialect()
    first = weakref.ref(compiled.compile_statement(page_of(Task, PageShape()), dialect, ()))
    statement = page_of(Task, PageShape((Sort("column_1"),), None))
    for number in range(MAX_SHAPES + 1):
        compiled.compile_statement(statement, dialect, (str(number),))
    gc.collect()

    assert compiled.compile_statement.cache_info().currsize == MAX_SHAPES
    assert first() is None

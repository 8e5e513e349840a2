"""Shapes: whatever clients choose, a process keeps a bounded number of statements and plans, and no other holds on."""

import gc
import weakref
from collections.abc import Iterator
from random import Random

import pytest
from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.dialects import sqlite

from app.core.data.connection import compiled
from app.core.data.repository.page_rows import page_reader
from app.core.data.sql import pages, statements
from app.core.data.sql.conditions import Condition, Sort
from app.core.data.sql.filters import Filter
from app.core.data.sql.pages import PageShape, page_columns, page_of
from app.core.data.sql.shapes import MAX_SHAPES
from app.core.data.sql.statements import update_of
from app.tasks.models import Task

NAMES = [f"column_{number}" for number in range(20)]
WIDE = Table("wide", MetaData(), Column("id", Integer), *(Column(name, Integer, nullable=False) for name in NAMES))
FIELDS = ("id", "completed", "title", "project_id")


@pytest.fixture
def wide_table(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the statements be about a table with a million sets of columns."""
    caches = (update_of, page_of, page_columns, compiled.compile_statement)
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
def test_ten_thousand_sets_of_changed_columns_leave_the_cache_at_its_bound(wide_table: None) -> None:
    first = weakref.ref(update_of(Task, frozenset(NAMES), at_version=False))
    for names in random_sets(10_000):
        update_of(Task, frozenset(names), at_version=False)
    gc.collect()

    assert update_of.cache_info().currsize == MAX_SHAPES
    assert first() is None


@pytest.mark.slow
def test_ten_thousand_orders_leave_the_cache_at_its_bound(wide_table: None) -> None:
    first = weakref.ref(page_of(Task, PageShape((Sort("column_1"),), None), "sqlite"))
    for names in random_sets(10_000):
        page_of(Task, PageShape(tuple(map(Sort, names[:3])), None), "sqlite")
    gc.collect()

    assert page_of.cache_info().currsize == MAX_SHAPES
    assert first() is None


def test_plans_are_not_kept_for_ever(wide_table: None) -> None:
    dialect = sqlite.dialect()
    first = weakref.ref(compiled.compile_statement(page_of(Task, PageShape(), "sqlite"), dialect, ()))
    statement = page_of(Task, PageShape((Sort("column_1"),), None), "sqlite")
    for number in range(MAX_SHAPES + 1):
        compiled.compile_statement(statement, dialect, (str(number),))
    gc.collect()

    assert compiled.compile_statement.cache_info().currsize == MAX_SHAPES
    assert first() is None


@pytest.mark.slow
def test_ten_thousand_queries_leave_all_caches_at_their_bounds() -> None:
    random, dialect = Random(1), sqlite.dialect()  # noqa: S311  # no secret
    sizes = []
    for number in range(10_000):
        conditions = tuple(
            sorted(Condition(random.choice(FIELDS), random.choice(("eq", "ne", "in"))) for _ in range(3))
        )
        fields = tuple(random.sample(FIELDS, 3))
        order = tuple(Sort(name, random.random() < 0.5) for name in random.sample(FIELDS[1:], 2))
        key = None if random.random() < 0.5 else (False, False)
        shape = PageShape(order, key, False, random.choice((None, "exact", "estimated")), Filter(conditions), fields)
        page_of(Task, shape, dialect.name)
        page_reader(Task, order, fields)
        if number % 4 == 0:
            compiled.compile_statement(page_of(Task, shape, dialect.name), dialect, ())
        if number % 2_500 == 2_499 and number > 5_000:  # all caches are full
            gc.collect()
            sizes.append(len(gc.get_objects()))

    for cache in (page_of, page_columns, page_reader):
        assert cache.cache_info().currsize <= MAX_SHAPES
    assert max(sizes) < min(sizes) * 1.1

"""Layer 1 alone: no statement of any shape reads or changes other owners' rows.

`SHAPES=7 pytest -k shapes` starts with the shape of this number, which the message of a leak names.
"""

import gc
import os
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlmodel import SQLModel, col

from app.core.data.ownership.session import AppSession
from app.core.data.sql import mapped_tables
from app.core.data.sql import owner_compiler as compiler
from app.core.data.sql.owner_compiler import OwnerCompiler
from app.core.data.sql.raw_sql import NoRawSql, NoRawTypes
from app.tasks.models import Task
from app.testing.databases import Databases
from tests.isolation.shapes.calls import answer
from tests.isolation.shapes.judge import ANSWERED, FAILED, Report, difference, judge, leaks, outcome_of, sql_of
from tests.isolation.shapes.rows import moment
from tests.isolation.shapes.shape import Run, Shape
from tests.isolation.shapes.start import shape_of
from tests.isolation.shapes.worlds import Worlds, worlds_on

QUICK: Final = 300
UNSCOPED: Final = 80
LONG: Final = 20_000
TO_MISS_A_RULE: Final = 6_000

Place = tuple[Any, str, Any]
"""An object, the name of its attribute, and the replacement that removes the rule; None deletes the attribute."""


def _any_table(table: Any) -> Any:
    return SQLModel.metadata.tables.get(table.name, table)


# The rules that keep a shape from other owners' rows. `test_guard.py` and `test_raw_sql.py` have those for statements
# that no shape makes.
RULES: Final[dict[str, list[Place]]] = {
    "a table that is read is the owner's part": [(OwnerCompiler, "visit_table", None)],
    "a change is of the owner's rows": [(compiler, "_with_owner_condition", lambda statement: statement)],
    "a new row is the owner's": [(OwnerCompiler, "_insert_for_owner", lambda _, statement: statement)],
    "owners and ids are not set": [(OwnerCompiler, "_refuse_key_columns", lambda *_: None)],
    "no table is unknown": [(module, "mapped_table", _any_table) for module in (compiler, mapped_tables)],
    "no raw text": [(NoRawSql, name, None) for name in ("visit_textclause", "visit_textual_select")],
    "no raw column": [(NoRawSql, name, None) for name in ("visit_column", "escape_literal_column")],
    "no raw operator": [(NoRawSql, "escape_literal_column", None)],
    "no raw type": [(NoRawTypes, "process", None)],
    "no hint": [(NoRawSql, name, None) for name in ("format_from_hint_text", "get_statement_hint_text")],
    "no raw field": [(NoRawSql, "visit_extract", None)],
    "no function that reads by itself": [(NoRawSql, "visit_function", None)],
}
ONLY_ON_POSTGRES: Final = {"no raw field", "no function that reads by itself"}

pytestmark = [
    pytest.mark.hooks_alone,
    # SQLAlchemy warns of a join without a condition; shapes have such joins.
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),
    # SQLAlchemy leaves the cursor of a failed stream to the garbage collector.
    pytest.mark.filterwarnings("ignore:.*RlsServerCursor.* was deleted while still open:ResourceWarning"),
]


@pytest.fixture(scope="module")
async def worlds(databases: Databases) -> AsyncIterator[Worlds]:
    async with worlds_on(databases) as opened:
        yield opened
    gc.collect()  # while the warning is ignored


def numbers(many: int, first: int = 0) -> range:
    start = int(os.environ.get("SHAPES", first))
    return range(start, start + many)


def assert_tight(report: Report) -> None:
    assert not report.leaks, "\n\n".join([str(report), *map(str, sorted(report.leaks, key=lambda it: len(it.sql))[:5])])
    assert report.share(ANSWERED) >= 0.55, report  # a quarter contains raw SQL, which is refused
    assert report.share(FAILED) <= 0.1, report


async def test_no_shape_leaks_rows_of_other_owners(worlds: Worlds) -> None:
    assert_tight(await judge(worlds, numbers(QUICK)))


@pytest.mark.slow
async def test_thousands_of_new_shapes_every_day_leak_nothing(worlds: Worlds) -> None:
    today = numbers(LONG, first=datetime.now(UTC).toordinal() * LONG)
    print(f"SHAPES={today.start}")  # noqa: T201  # pytest shows it with a failure

    assert_tight(await judge(worlds, today))


async def test_without_layer_1_half_of_the_shapes_leak(worlds: Worlds) -> None:
    """So the shapes are valid SQL, they reach rows, and the judge sees leaks."""
    found: Counter[str] = Counter()
    for number in range(UNSCOPED):
        shape = shape_of(number, worlds.alone.dialect)
        alone, among, empty = [await outcome_of(shape, world, world.unscoped_session()) for world in worlds[:3]]
        found["valid"] += alone.kind == ANSWERED
        found["of mallory's rows"] += alone[:2] != empty[:2] or alone.stored.mine != worlds.alone.before.mine
        found["leaking"] += difference(alone, among, worlds) is not None

    assert found["valid"] >= 0.75 * UNSCOPED, found
    assert found["of mallory's rows"] >= 0.5 * UNSCOPED, found
    assert found["leaking"] >= 0.45 * UNSCOPED, found


async def test_a_number_always_makes_the_same_shape(worlds: Worlds) -> None:
    dialect = worlds.alone.dialect
    for number in range(20):
        first, again = (shape_of(number, dialect) for _ in range(2))

        assert first.used == again.used
        assert sql_of(first, dialect) == sql_of(again, dialect)


IS_MINE: Final[Any] = col(Task.user_id) == "mallory"
COUNT: Final = select(func.count(col(Task.id))).scalar_subquery()
LONG_AGO: Final = {"updated_at": moment(2)}


def silently(statement: Any) -> Run:
    async def run(session: AppSession) -> None:
        await session.execute(statement)

    return run


def aloud(statement: Any) -> Run:
    async def run(session: AppSession) -> Any:
        return answer((await session.execute(statement)).all(), is_ordered=False)

    return run


async def one(session: AppSession) -> Any:
    return (await session.execute(select(col(Task.id)).where(col(Task.title) == "bread"))).scalar_one()


@pytest.mark.parametrize(
    ("run", "how"),
    [
        (aloud(select(col(Task.id)).where(IS_MINE)), None),
        (aloud(text("SELECT no_such_function()")), None),
        (silently(update(Task).where(IS_MINE).values(LONG_AGO)), None),
        (aloud(select(col(Task.id))), "another answer"),
        (one, "another answer"),
        (silently(update(Task).where(~IS_MINE).values(LONG_AGO)), "it changed or made rows of others"),
        (silently(delete(Task).where(~IS_MINE)), "it changed or made rows of others"),
        (silently(insert(Task).values(title="a", user_id="alice", **LONG_AGO)), "it changed or made rows of others"),
        (
            silently(update(Task).where(IS_MINE).values(project_id=COUNT, **LONG_AGO)),
            "it left other rows of mallory's behind",
        ),
    ],
)
async def test_the_judge_finds_every_kind_of_difference(run: Run, how: str | None, worlds: Worlds) -> None:
    shape = Shape(0, (), run, None)
    alone, among = [await outcome_of(shape, world, world.unscoped_session()) for world in worlds[:2]]

    assert (difference(alone, among, worlds) or "").partition("\n")[0] == (how or "")


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
async def test_without_the_rule_an_attack_succeeds(rule: str, worlds: Worlds, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, name, instead in RULES[rule]:
        if instead is None:
            monkeypatch.delattr(place, name)
        else:
            monkeypatch.setattr(place, name, instead)
    found = leaks(worlds, range(TO_MISS_A_RULE))

    assert await anext(found, None) or (rule in ONLY_ON_POSTGRES and worlds.alone.dialect == "sqlite")

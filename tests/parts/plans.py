"""How a database finds a page: a large table, the forms in which a page is asked for, and the plans for them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final, NamedTuple, cast

import pytest
from psycopg import sql
from sqlalchemy import Dialect, Engine

from app.core.data.connection.compiled import CompiledStatement
from app.core.data.connection.engine import database_url, paramstyle
from app.core.data.connection.rls import OWNER_SETTING
from app.core.data.schema.engines import migration_engine
from app.core.data.sql.dialects import scoped_dialect
from app.core.data.sql.pages import PageShape, page_of
from app.tasks.models import Task

# Half of the table is of one who came last; the other half is of a thousand, or of one.
ROWS: Final = 20_000


OTHERS: Final = ("'u' || mod(n, 1000)", "'early'")


NUMBERS: Final = f"(WITH RECURSIVE s AS (SELECT 1 n UNION ALL SELECT n + 1 FROM s WHERE n < {ROWS}) SELECT n FROM s)"


class Form(NamedTuple):
    """A page as it can be asked for."""

    backwards: bool
    offset: int
    total: bool


FORMS: Final = [
    pytest.param(
        Form(*form), id=f"{'before' if form[0] else 'behind'}{', offset' * bool(form[1])}{', count' * form[2]}"
    )
    for form in product((False, True), (0, 900), (False, True))
]


def page(url: str, form: Form) -> tuple[str, list[Any]]:
    """The text of the late one's page, from the middle of the rows, and its values."""
    values = {"limit": 101, "offset": form.offset, "key_id": ROWS + ROWS // 2, "_owner": "late"}
    shape = PageShape(is_backwards=form.backwards, counted="exact" if form.total else None)
    plan = CompiledStatement(page_of(Task, shape, dialect_of(url).name), dialect_of(url), tuple(values))
    return plan.text, plan.bind(values)


def dialect_of(url: str) -> Dialect:
    """The dialect that limits statements to one owner."""
    made = database_url(url)
    return scoped_dialect(cast("Any", made.get_dialect())(paramstyle=paramstyle(made)))


def opened(url: str) -> Engine:
    return migration_engine(database_url(url))


def fill(execute: Callable[[str], Any], others: str, numbers: str) -> None:
    for owner in (others, "'late'"):
        execute(f"INSERT INTO tasks (user_id, title) SELECT {owner}, 'title' FROM {numbers}")
    execute("ANALYZE")


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def plans_of_page(url: str, form: Form) -> Iterator[Sequence[Mapping[str, Any]]]:
    """The nodes that find the late one's page, in a plan for these values, and in one for all."""
    text, values = page(url, form)
    with opened(url).connect() as connection:
        connection.exec_driver_sql(f"SET {OWNER_SETTING} = 'late'")
        connection.exec_driver_sql(f"PREPARE page AS {text}")
        execute = f"EXPLAIN (FORMAT JSON) EXECUTE page ({', '.join(map(sql.quote, values))})"
        for mode in ("force_custom_plan", "force_generic_plan"):
            connection.exec_driver_sql(f"SET plan_cache_mode = {mode}")
            ((explained,),) = connection.exec_driver_sql(execute).scalars()
            (limit,) = (node for node in nodes(explained["Plan"]) if node["Node Type"] == "Limit")
            yield list(nodes(limit))[1:]

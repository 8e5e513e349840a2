"""The query of figures: the database reads the table once, whatever the figures and the groups are."""

from typing import Any

import pytest
from psycopg import sql
from sqlalchemy import Connection

from app.core.data.connection.compiled import CompiledStatement
from app.core.data.sql.conditions import Condition
from app.core.data.sql.figure_declarations import count, max_of, min_of
from app.core.data.sql.figures import FiguresShape, figures_of
from app.core.data.sql.filters import bind_filter
from app.tasks.models import Task
from app.testing.databases import Databases
from tests.parts.plans import dialect_of, nodes, opened

FIGURES = (
    ("total", count("All.")),
    ("open", count("Open.", lambda task: ~task.completed)),
    ("first", min_of("created_at", "The first.")),
    ("last", max_of("created_at", "The last of those that are open.", lambda task: ~task.completed)),
)


def reads_of_tasks(connection: Connection, text: str, values: list[Any]) -> int:
    """The number of times that a plan reads the table."""
    if connection.dialect.name == "sqlite":
        lines = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", tuple(values))]
        return sum(line.startswith(("SCAN tasks", "SEARCH tasks")) for line in lines)
    connection.exec_driver_sql(f"PREPARE figures AS {text}")
    execute = f"EXPLAIN (FORMAT JSON) EXECUTE figures ({', '.join(map(sql.quote, values))})"
    ((explained,),) = connection.exec_driver_sql(execute).scalars()
    return sum(node.get("Relation Name") == "tasks" for node in nodes(explained["Plan"]))


@pytest.mark.parametrize("group", [None, "completed", "title"])
@pytest.mark.parametrize("chosen", [(), (Condition("completed", "eq"),)], ids=["all", "filtered"])
def test_the_table_is_read_once(databases: Databases, group: str | None, chosen: tuple[Condition, ...]) -> None:
    url = databases.fresh()
    found, values = bind_filter(chosen, [False] * len(chosen), ())
    values |= {"_owner": "alice"}
    plan = CompiledStatement(figures_of(Task, FiguresShape(FIGURES, group, found)), dialect_of(url), tuple(values))
    with opened(databases.for_owner(url)).connect() as connection:
        assert reads_of_tasks(connection, plan.text, plan.bind(values)) == 1

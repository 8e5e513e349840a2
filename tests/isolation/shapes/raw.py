"""Raw SQL at every place where SQLAlchemy accepts it; all of it must be refused."""

from typing import Any, Final

from sqlalchemy import (
    Integer,
    Text,
    TextClause,
    cast,
    column,
    func,
    literal_column,
    select,
    table,
    text,
    update,
)
from sqlalchemy.orm import joinedload, with_expression, with_loader_criteria

from tests.isolation.shapes.expressions import condition
from tests.isolation.shapes.grammar import Author, Productions, Scope
from tests.isolation.shapes.mappings import Card
from tests.isolation.shapes.raw_values import COUNT, raw
from tests.isolation.shapes.shape import READS, WRITES, Statement
from tests.isolation.shapes.sources import PROJECT, TASK, class_source, core

RAW_STATEMENTS: Final = Productions()


@READS(2.5)
def _raw(author: Author, scope: Scope) -> Statement:
    made: Statement = author.write(RAW_STATEMENTS, scope)
    return made


def _tasks(author: Author, scope: Scope) -> Any:
    inner = scope.over(class_source(TASK))
    return select(TASK.id).where(condition(author, inner.deeper())).order_by(TASK.id)


def _reads(statement: Any, **known: Any) -> Statement:
    return Statement(statement, **known)


@RAW_STATEMENTS(3, leaf=True)
def _raw_column(author: Author, scope: Scope) -> Statement:
    return _reads(_tasks(author, scope).add_columns(raw(author, scope)), is_ordered=True)


@RAW_STATEMENTS(2, leaf=True)
def _raw_column_alone(author: Author, scope: Scope) -> Statement:
    return _reads(select(raw(author, scope)))


@RAW_STATEMENTS(2, leaf=True)
def _raw_condition(author: Author, scope: Scope) -> Statement:
    value = raw(author, scope)
    more = text(f"{COUNT} > 6") if isinstance(value, TextClause) else cast(value, Integer) > 6
    return _reads(_tasks(author, scope).where(more))


@RAW_STATEMENTS(leaf=True)
def _raw_order(author: Author, scope: Scope) -> Statement:
    return _reads(_tasks(author, scope).order_by(None).order_by(text(f"{COUNT} * id % 7, id")), is_ordered=True)


@RAW_STATEMENTS(leaf=True)
def _raw_from(author: Author, scope: Scope) -> Statement:
    return _reads(select(func.count()).select_from(text("tasks")))


@RAW_STATEMENTS(leaf=True)
def _raw_statement(author: Author, _: Scope) -> Statement:
    return _reads(text("SELECT id, title FROM tasks ORDER BY id"), is_ordered=True)


@RAW_STATEMENTS(leaf=True)
def _raw_statement_with_columns(author: Author, _: Scope) -> Statement:
    written = text("SELECT id, title FROM tasks").columns(core(TASK).c.id, core(TASK).c.title)
    forms = [
        written,
        select(written.subquery().c.id),
        select(written.cte().c.title),
        select(TASK).from_statement(written),
    ]
    return _reads(author.choose(forms), has_entities=True)


@RAW_STATEMENTS(leaf=True)
def _statement_hint(author: Author, scope: Scope) -> Statement:
    hint = "UNION ALL SELECT id FROM tasks"
    return _reads(_tasks(author, scope).order_by(None).with_statement_hint(hint))


@RAW_STATEMENTS(leaf=True)
def _hint(author: Author, scope: Scope) -> Statement:
    return _reads(_tasks(author, scope).order_by(None).with_hint(TASK, "JOIN tasks AS others ON true"))


@RAW_STATEMENTS(leaf=True)
def _prefix(author: Author, scope: Scope) -> Statement:
    return _reads(_tasks(author, scope).prefix_with(f"{COUNT} AS n,"))


@RAW_STATEMENTS(leaf=True)
def _suffix(author: Author, scope: Scope) -> Statement:
    return _reads(_tasks(author, scope).order_by(None).suffix_with("UNION ALL SELECT id FROM tasks"))


@RAW_STATEMENTS(leaf=True)
def _raw_part_of_a_cte(author: Author, scope: Scope) -> Statement:
    inner = _tasks(author, scope).order_by(None).suffix_with("UNION ALL SELECT id FROM tasks").cte(author.name("w"))
    return _reads(select(inner.c.id) if author.happens(0.5) else select(func.count()).select_from(inner))


@RAW_STATEMENTS(leaf=True)
def _suffix_of_a_cte(author: Author, scope: Scope) -> Statement:
    cte = _tasks(author, scope).order_by(None).cte(author.name("w"))
    cte = cte.suffix_with(", tasks_of_all AS (SELECT id FROM tasks)")
    return _reads(select(table("tasks_of_all", column("id", Integer)).c.id, func.count(cte.c.id).over()))


@RAW_STATEMENTS(2, leaf=True)
def _raw_option(author: Author, scope: Scope) -> Statement:
    more_than = literal_column(COUNT, Integer) > 6
    options: list[tuple[Any, Any]] = [
        (Card, joinedload(Card.board.and_(more_than))),
        (TASK, with_loader_criteria(TASK, more_than)),
        (Card, with_expression(Card.remark, literal_column(COUNT, Integer))),
    ]
    model, option = author.choose(options)
    return _reads(select(model).options(option).order_by(model.id), is_ordered=True, has_entities=True)


@WRITES(0.7)
def _raw_write(author: Author, scope: Scope) -> Statement:
    value = raw(author, scope)
    written = update(PROJECT).values(
        description=func.concat(cast(value, Text)) if author.is_postgres else value, updated_at=PROJECT.updated_at
    )
    written = written.execution_options(synchronize_session=False)
    return Statement(written.returning(PROJECT.id, PROJECT.description), is_write=True)


@WRITES(0.5, only="sqlite")
def _raw_prefix_of_a_write(author: Author, scope: Scope) -> Statement:
    first, other = author.choose([(13, 14), (15, 16), (17, 18)])
    written = update(core(TASK)).prefix_with("OR REPLACE").where(core(TASK).c.id == first)
    return Statement(written.values(id=other, updated_at=core(TASK).c.updated_at), is_write=True)

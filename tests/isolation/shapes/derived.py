"""Sources made of queries: subqueries, CTEs, LATERAL, functions and VALUES."""

from typing import Any

from sqlalchemy import BigInteger, Text, func, select, union, union_all, values
from sqlalchemy import column as new_column
from sqlalchemy.orm import aliased

from tests.isolation.shapes.expressions import condition, constant
from tests.isolation.shapes.grammar import NUMBER, TEXT, Author, Scope, Source
from tests.isolation.shapes.queries import one_value, query, some_kinds
from tests.isolation.shapes.sources import MAPPED, SOURCES, class_source, core, fresh_sources, source_of


@SOURCES(3)
def _subquery(author: Author, scope: Scope) -> Source:
    found = query(author, Scope(depth=scope.depth - 1), some_kinds(author))
    element = found.statement.subquery(_maybe_a_name(author, "q"))
    return found.source(element, element.c)


@SOURCES(3)
def _cte(author: Author, scope: Scope) -> Source:
    found = query(author, Scope(depth=scope.depth - 1), some_kinds(author))
    element = found.statement.cte(_maybe_a_name(author, "w"), nesting=author.happens(0.1))
    if author.is_postgres and author.happens(0.1):
        element = element.prefix_with("MATERIALIZED")
    if author.happens(0.3):
        element = element.alias()
    return found.source(element, element.c)


def _maybe_a_name(author: Author, of: str) -> str | None:
    """Return a new name, none, or rarely that of a table."""
    if author.happens(0.03):
        return author.choose(["tasks", "projects"])
    return author.name(of) if author.happens(0.5) else None


@SOURCES(1)
def _recursive_cte(author: Author, scope: Scope) -> Source:
    """Return a recursive CTE over rows with higher ids; UNION makes it end."""
    within = Scope(depth=scope.depth - 1)
    start, step = _source_with_ids(author), _source_with_ids(author)
    first = select(start.column("id")).where(condition(author, within.over(start)))
    walk = first.cte(author.name("walk"), recursive=True)
    further = select(step.column("id")).select_from(step.element)
    walk = walk.union(further.where(step.column("id") > walk.c.id, condition(author, within.over(step))))
    return Source(walk, walk.c, {"id": NUMBER}, ("id",))


def _source_with_ids(author: Author) -> Source:
    while "id" not in (source := fresh_sources(author, Scope(depth=0), most=1)[0]).kinds:
        pass
    return source


@SOURCES(1, only="postgresql")
def _lateral(author: Author, scope: Scope) -> Source:
    found = query(author, scope.within(), some_kinds(author))
    element = found.statement.lateral(author.name("l"))
    return found.source(element, element.c)


@SOURCES(2)
def _class_over_a_query(author: Author, scope: Scope) -> Source:
    model = author.choose(MAPPED)
    inner = Scope((class_source(model),), scope.depth - 1)
    chosen: Any = select(model if author.happens(0.6) else core(model)).where(condition(author, inner))
    if author.happens(0.3):
        chosen = author.choose([union, union_all])(chosen, select(model).where(condition(author, inner)))
    element = chosen.cte(author.name("w")) if author.happens(0.4) else chosen.subquery()
    alias = aliased(model, element)
    return source_of(alias, alias, model, entity=alias)


@SOURCES(0.7, only="postgresql")
def _series(author: Author, scope: Scope) -> Source:
    stop = func.least(one_value(author, Scope(depth=scope.depth - 1), NUMBER), 30)
    series = func.generate_series(1, stop, type_=BigInteger)
    element = series.table_valued(new_column("n", BigInteger), name=author.name("g")).render_derived()
    return Source(element, element.c, {"n": NUMBER}, ("n",))


@SOURCES(0.7, only="sqlite")
def _elements_of_json(author: Author, scope: Scope) -> Source:
    model = author.choose(MAPPED)
    inner = Scope((class_source(model),), scope.depth - 1)
    texts = select(func.json_group_array(model.id)).where(condition(author, inner)).scalar_subquery()
    element = func.json_each(texts).table_valued(new_column("value", BigInteger), name=author.name("j"))
    return Source(element, element.c, {"value": NUMBER}, ("value",))


@SOURCES(0.5)
def _values(author: Author, _: Scope) -> Source:
    names = new_column("n", BigInteger), new_column("t", Text)
    rows = [(constant(author, NUMBER), constant(author, TEXT)) for _ in range(4)]
    element: Any = values(*names, name=author.name("v")).data(rows)
    if not author.is_postgres:
        element = element.cte(author.name("w"))
    return Source(element, element.c, {"n": NUMBER, "t": TEXT}, ("n", "t"))

"""Queries with groups, window functions and set operations."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import except_, func, intersect, select, union, union_all

from tests.isolation.shapes.aggregates import aggregate, window
from tests.isolation.shapes.expressions import column, expression
from tests.isolation.shapes.grammar import NUMBER, Author, Scope
from tests.isolation.shapes.queries import QUERIES, Query, bare, filtered, joined
from tests.isolation.shapes.sources import fresh_sources


@QUERIES(2)
def _groups(author: Author, scope: Scope, kinds: Sequence[str]) -> Query:
    inner = scope.over(*fresh_sources(author, scope))
    own = inner.alone()
    groups = {place: column(author, kind, own) for place, kind in enumerate(kinds) if author.happens(0.4)}
    groups = groups or {-1: column(author, kinds[0], own)}
    values = [groups.get(place, None) for place in range(len(kinds))]
    columns = [
        (aggregate(author, kind, inner.alone()) if value is None else value).label(author.name("c"))
        for kind, value in zip(kinds, values, strict=True)
    ]
    statement = filtered(author, joined(author, select(*columns), inner), inner)
    statement = statement.group_by(*_grouping(author, list(groups.values())))
    if author.happens(0.4):
        statement = statement.having(func.count() >= 1, aggregate(author, NUMBER, own) > 0)
    return Query(statement.order_by(*columns), kinds, is_ordered=True)


def _grouping(author: Author, columns: list[Any]) -> list[Any]:
    if author.is_postgres and author.happens(0.2):
        return [author.choose([func.rollup, func.cube])(*columns)]
    return columns


@QUERIES(1)
def _windows(author: Author, scope: Scope, kinds: Sequence[str]) -> Query:
    inner = scope.over(*fresh_sources(author, scope))
    key = inner.key()
    columns = [
        (window(author, inner, key) if kind == NUMBER else expression(author, kind, inner.deeper())).label(
            author.name("c")
        )
        for kind in kinds
    ]
    return Query(
        filtered(author, joined(author, select(*columns), inner), inner).order_by(*key), kinds, is_ordered=True
    )


_OPERATIONS: Final = [union, union_all, union_all, intersect, except_]


@QUERIES(2)
def _operation_on_sets(author: Author, scope: Scope, kinds: Sequence[str]) -> Query:
    parts = [bare(author, scope, kinds)[0] for _ in range(author.choose([2, 2, 3]))]
    statement: Any = author.choose(_OPERATIONS)(*parts)
    if author.is_postgres and author.happens(0.3):
        statement = author.choose(_OPERATIONS)(statement, bare(author, scope, kinds)[0])
    if author.happens(0.5):
        return Query(statement, kinds)
    ordered = statement.order_by(*statement.selected_columns)
    return Query(ordered.limit(author.number(1, 6)) if author.happens(0.5) else ordered, kinds, is_ordered=True)

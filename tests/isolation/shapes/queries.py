"""Queries: SELECTs of columns from one or two sources, with every form of join."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import eq, ge, ne
from typing import Any, Final

from sqlalchemy import join, outerjoin, select
from sqlalchemy.orm import join as orm_join
from sqlalchemy.orm import outerjoin as orm_outerjoin

from tests.isolation.shapes.aggregates import aggregate
from tests.isolation.shapes.conditions import named
from tests.isolation.shapes.endings import end
from tests.isolation.shapes.expressions import column, condition, expression
from tests.isolation.shapes.grammar import FLAG, NUMBER, TEXT, TIME, Author, Productions, Scope, Source
from tests.isolation.shapes.sources import fresh_sources

QUERIES: Final = Productions()
"""Productions of queries with one column for each requested kind."""

_JOINS: Final[dict[str, Any]] = {
    "core join": join,
    "core outer join": outerjoin,
    "orm join": orm_join,
    "orm outer join": orm_outerjoin,
}
_FORMS: Final = [*_JOINS, "implicit join", "list of froms", "join method", "outer join method", "full join method"]


@dataclass(frozen=True)
class Query:
    """A SELECT, and the kinds of its columns."""

    statement: Any
    kinds: Sequence[str]
    is_ordered: bool = False
    """Its order is total, so that its answer has one form."""

    def source(self, element: Any, columns: Any) -> Source:
        """Return the query as a source with the name of the element."""
        names = columns.keys()
        return Source(element, columns, dict(zip(names, self.kinds, strict=True)), names)


def query(author: Author, scope: Scope, kinds: Sequence[str]) -> Query:
    """Return a query with columns of these kinds, which may be correlated with the scope."""
    made: Query = author.write(QUERIES, scope, kinds)
    return made


def one_value(author: Author, scope: Scope, kind: str) -> Any:
    """Return a query of one row: an aggregate, or the first row in a total order.

    On PostgreSQL it rarely has several rows, which is an error; SQLite would take any of them.
    """
    found = query(author, scope, [kind])
    if author.is_postgres and author.happens(0.04):
        return found.statement.scalar_subquery()
    ordered = found.statement if found.is_ordered else found.statement.order_by(*found.statement.selected_columns)
    return ordered.limit(1).scalar_subquery()


def some_kinds(author: Author) -> list[str]:
    """Return the kinds of a few columns."""
    return [author.choose([NUMBER, NUMBER, TEXT, TEXT, FLAG, TIME]) for _ in range(author.number(1, 3))]


def bare(author: Author, scope: Scope, kinds: Sequence[str]) -> tuple[Any, Scope, list[Any]]:
    """Return a SELECT with FROM and WHERE only, its sources, and its columns."""
    inner = scope.over(*fresh_sources(author, scope))
    columns = [expression(author, kind, inner.deeper()).label(author.name("c")) for kind in kinds]
    return filtered(author, joined(author, select(*columns), inner), inner), inner, columns


def filtered(author: Author, statement: Any, scope: Scope) -> Any:
    """Add conditions, or none."""
    for _ in range(author.choose([0, 1, 1, 1, 2])):
        statement = statement.where(condition(author, scope.deeper()))
    return statement


def joined(author: Author, statement: Any, scope: Scope) -> Any:
    """Add the FROM clause, in one of its forms."""
    first, *others = scope.sources
    if any(source.clashes_with(scope.outer) for source in scope.sources):
        statement = statement.correlate(None)  # without it SQLAlchemy correlates the source
    if others:
        return _joined_with(author, statement, scope, author.choose(_FORMS))
    if scope.outer or author.happens(0.5):
        return statement.select_from(first.element)
    author.note("implicit from")
    return statement.where(named(author, scope))


def _joined_with(author: Author, statement: Any, scope: Scope, form: str) -> Any:
    author.note(form)
    first, other = scope.sources
    on = join_condition(author, scope)
    left, right = first.element, other.element
    if form in _JOINS:
        return statement.select_from(_JOINS[form](left, right, on))
    if form == "list of froms":
        return statement.select_from(left, right).where(on)
    if form == "implicit join":
        here = statement.select_from(left) if scope.outer else statement
        return here.where(on, named(author, scope), named(author, Scope((other,))))
    is_full = form == "full join method" and on.operator is eq  # PostgreSQL supports no other
    return statement.select_from(left).join(right, on, isouter=form != "join method", full=is_full)


def join_condition(author: Author, scope: Scope) -> Any:
    """Return a join condition of two sources: a foreign key, or any other condition."""
    tables = {source.table: source for source in scope.sources}
    if tables.keys() == {"tasks", "projects"} and author.happens(0.6):
        return tables["tasks"].column("project_id") == tables["projects"].column("id")
    kind = author.choose([NUMBER, TEXT, TEXT, TIME])
    left, right = (column(author, kind, Scope((source,))) for source in scope.sources)
    return author.choose([eq, eq, ne, ge])(left, right)


@QUERIES(6, leaf=True)
def _columns(author: Author, scope: Scope, kinds: Sequence[str]) -> Query:
    statement, inner, columns = bare(author, scope, kinds)
    statement, is_ordered = end(author, statement, inner, columns)
    return Query(statement, kinds, is_ordered)


@QUERIES(2, leaf=True)
def _aggregates(author: Author, scope: Scope, kinds: Sequence[str]) -> Query:
    inner = scope.over(*fresh_sources(author, scope))
    columns = [aggregate(author, kind, inner.alone()).label(author.name("c")) for kind in kinds]
    return Query(filtered(author, joined(author, select(*columns), inner), inner), kinds, is_ordered=True)


@QUERIES(1, leaf=True)
def _count_of_what_a_condition_names(author: Author, scope: Scope, kinds: Sequence[str]) -> Query:
    inner = scope.over(*fresh_sources(author, scope, most=1))
    columns = [aggregate(author, kind, Scope()).label(author.name("c")) for kind in kinds]
    statement = select(*columns).where(named(author, inner))
    return Query(statement.correlate(None) if scope.outer else statement, kinds, is_ordered=True)

"""Subqueries as values and in conditions, correlated or not."""

from operator import eq, ge, gt
from typing import Any

from sqlalchemy import all_, any_, exists, tuple_

from tests.isolation.shapes.conditions import named
from tests.isolation.shapes.expressions import CONDITIONS, column, of_every_kind
from tests.isolation.shapes.grammar import NUMBER, TEXT, TIME, Author, Scope
from tests.isolation.shapes.queries import bare, one_value, query
from tests.isolation.shapes.sources import fresh_sources


@of_every_kind(1.5)
def _scalar_subquery(author: Author, kind: str, scope: Scope) -> Any:
    return one_value(author, scope.within(), kind)


@CONDITIONS(2)
def _in_subquery(author: Author, scope: Scope) -> Any:
    kind = author.choose([NUMBER, NUMBER, TEXT, TIME])
    chosen = query(author, scope.within(), [kind]).statement
    subject = column(author, kind, scope)
    return subject.not_in(chosen) if author.happens(0.2) else subject.in_(chosen)


@CONDITIONS(0.7)
def _tuple_in_subquery(author: Author, scope: Scope) -> Any:
    subject = tuple_(column(author, NUMBER, scope), column(author, TEXT, scope))
    return subject.in_(query(author, scope.within(), [NUMBER, TEXT]).statement)


@CONDITIONS(2)
def _exists(author: Author, scope: Scope) -> Any:
    found = bare(author, scope.within(), [NUMBER])[0]
    return author.one_of(found.exists, lambda: ~found.exists(), lambda: exists(found))


@CONDITIONS(0.7)
def _exists_of_what_a_condition_names(author: Author, scope: Scope) -> Any:
    inner = scope.within()
    [source] = fresh_sources(author, inner, most=1)
    found = exists().where(named(author, inner.over(source)))
    return found.correlate(None) if source.clashes_with(inner.outer) else found


@CONDITIONS(1, only="postgresql")
def _any_or_all(author: Author, scope: Scope) -> Any:
    chosen = query(author, scope.within(), [NUMBER]).statement.scalar_subquery()
    subject = column(author, NUMBER, scope)
    quantifier, compare = author.choose([any_, any_, all_]), author.choose([eq, ge, gt])
    return compare(subject, quantifier(chosen))

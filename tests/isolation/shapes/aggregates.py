"""Aggregates and window functions."""

from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, cast, distinct, func

from tests.isolation.shapes.expressions import column, condition, expression
from tests.isolation.shapes.grammar import FLAG, NUMBER, TEXT, TIME, Author, Productions, Scope

AGGREGATES: Final = Productions()
"""Aggregates of numbers; other kinds have min and max only."""
WINDOWS: Final = Productions()


def aggregate(author: Author, kind: str, scope: Scope) -> Any:
    """Return an aggregate of this kind over the rows in scope."""
    if kind == NUMBER:
        found = author.write(AGGREGATES, scope)
    elif kind == FLAG:
        flag = column(author, FLAG, scope)
        found = func.bool_or(flag, type_=Boolean) if author.is_postgres else func.max(flag, type_=Boolean)
    else:
        found = _extreme_of(author)(expression(author, kind, scope.deeper()))
    if scope.sources and author.happens(0.15) and hasattr(found, "filter"):
        author.note("filter")
        found = found.filter(condition(author, scope.deeper()))
    return found


def _extreme_of(author: Author) -> Any:
    return author.choose([func.max, func.min])


@AGGREGATES(3, leaf=True)
def _count(_: Author, __: Scope) -> Any:
    return func.count()


@AGGREGATES(2)
def _count_of_values(author: Author, scope: Scope) -> Any:
    value = expression(author, author.choose([NUMBER, TEXT, TIME]), scope.deeper())
    return func.count(distinct(value) if author.happens(0.4) else value)


@AGGREGATES(2, leaf=True)
def _extreme(author: Author, scope: Scope) -> Any:
    return _extreme_of(author)(column(author, NUMBER, scope))


@AGGREGATES(2)
def _sum(author: Author, scope: Scope) -> Any:
    return cast(func.sum(expression(author, NUMBER, scope.deeper())), BigInteger)


@AGGREGATES(1, only="postgresql", leaf=True)
def _length_of_all(author: Author, scope: Scope) -> Any:
    text = column(author, TEXT, scope)
    return func.length(func.aggregate_strings(text, ",").aggregate_order_by(text), type_=BigInteger)


@AGGREGATES(1, only="postgresql", leaf=True)
def _percentile(author: Author, scope: Scope) -> Any:
    value = column(author, NUMBER, scope)
    return func.percentile_disc(0.5, type_=BigInteger).within_group(value)


def window(author: Author, scope: Scope, key: list[Any]) -> Any:
    """Return a window function of numbers; ordered by `key`, its rows have a total order."""
    return author.write(WINDOWS, scope, key)


@WINDOWS(leaf=True)
def _row_number(_: Author, __: Scope, key: list[Any]) -> Any:
    return func.row_number().over(order_by=key)


@WINDOWS(leaf=True)
def _count_over_all(author: Author, scope: Scope, _: list[Any]) -> Any:
    return func.count().over(partition_by=column(author, TEXT, scope) if author.happens(0.5) else None)


@WINDOWS(leaf=True)
def _neighbour(author: Author, scope: Scope, key: list[Any]) -> Any:
    return author.choose([func.lag, func.lead])(column(author, NUMBER, scope)).over(order_by=key)


@WINDOWS(leaf=True)
def _running_sum(author: Author, scope: Scope, key: list[Any]) -> Any:
    return cast(func.sum(column(author, NUMBER, scope)).over(order_by=key, rows=(None, 0)), BigInteger)


@WINDOWS(leaf=True)
def _rank(author: Author, scope: Scope, _: list[Any]) -> Any:
    return author.choose([func.rank(), func.dense_rank()]).over(order_by=column(author, TIME, scope))

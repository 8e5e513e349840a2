"""The clauses after WHERE: DISTINCT, ORDER BY, LIMIT, locks. A LIMIT is used with a total order only."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import asc, desc, nulls_first, nulls_last
from sqlalchemy.dialects.postgresql import distinct_on

from tests.isolation.shapes.expressions import column, expression
from tests.isolation.shapes.grammar import NUMBER, TEXT, TIME, Author, Scope


def end(author: Author, statement: Any, scope: Scope, columns: Sequence[Any]) -> tuple[Any, bool]:
    """Return the statement with some of these clauses, and whether its order is total."""
    ending = author.choose(["none", "none", "order", "order", "limit", "limit", "distinct", "distinct on", "lock"])
    author.note(f"ending: {ending}")
    if ending == "none":
        return statement, False
    if ending == "distinct":
        statement = statement.distinct().order_by(*columns)
        return _limited(author, statement) if author.happens(0.5) else statement, True
    if ending == "lock":
        return statement.with_for_update(skip_locked=author.happens(0.5), read=author.happens(0.3)), False
    if ending == "distinct on" and author.is_postgres:
        first = column(author, TEXT, scope)
        return statement.ext(distinct_on(first)).order_by(first, *scope.key()), True
    statement = statement.order_by(*_order(author, scope))
    return _limited(author, statement) if ending == "limit" else statement, True


def _order(author: Author, scope: Scope) -> list[Any]:
    key = scope.key()
    if author.happens(0.5):
        first = expression(author, author.choose([NUMBER, TEXT, TIME]), scope.deeper())
        directions: list[Callable[[Any], Any]] = [asc, desc, nulls_first, nulls_last]
        return [author.choose(directions)(first), *key]
    return [part.desc() for part in key] if author.happens(0.2) else key


def _limited(author: Author, statement: Any) -> Any:
    limit, offset = author.number(1, 6), author.number(0, 2)
    if author.is_postgres and author.happens(0.3):
        return statement.fetch(limit)
    return statement.limit(limit).offset(offset) if offset else statement.limit(limit)

"""Conditions without subqueries: comparisons, and their combinations."""

from collections.abc import Callable
from operator import eq, gt, le, ne
from typing import Any, Final

from sqlalchemy import BigInteger, Text, and_, between, bindparam, case, cast, collate, extract, func, not_, or_, tuple_

from tests.isolation.shapes.expressions import CONDITIONS, column, condition, constant, expression
from tests.isolation.shapes.grammar import FLAG, NUMBER, TEXT, TIME, Author, Scope
from tests.isolation.shapes.rows import moment

_COMPARISONS: Final[list[Callable[[Any, Any], Any]]] = [eq, ne, gt, le, lambda a, b: a.is_not_distinct_from(b)]
_KINDS: Final = [NUMBER, NUMBER, TEXT, TEXT, TIME, FLAG]


_LOOSE: Final[dict[str, list[Callable[[Any], Any]]]] = {
    NUMBER: [
        lambda n: n > 3,
        lambda n: n >= 4,
        lambda n: n < 19,
        lambda n: n.between(4, 17),
        lambda n: n.is_not(None),
        lambda n: func.abs(n) > 3,
        lambda n: cast(n, Text) != "3",
        lambda n: func.coalesce(n, 4).in_([3, 4, 5, 13, 15, 17, 19]),
    ],
    TEXT: [
        lambda t: func.lower(t, type_=Text).like("%a%"),
        lambda t: t.like("%m%"),
        lambda t: case((t == "milk", 1), else_=0) >= 0,
        lambda t: cast(func.length(t), Text) > "3",
        lambda t: t.in_(["milk", "house", "mallory", "bread"]),
    ],
    FLAG: [
        lambda f: f.is_(False),
        lambda f: f.is_not(None),
        lambda f: case((f, 1), else_=0) == 0,
        lambda f: case((not_(f), "open"), else_="done") == "done",
        not_,
    ],
    TIME: [
        lambda t: t > moment(1),
        lambda t: t.is_not(None),
        lambda t: func.coalesce(t, moment(2)) < moment(28),
        lambda t: cast(extract("day", t), BigInteger) >= 5,
    ],
}


def named(author: Author, scope: Scope) -> Any:
    """Return a condition on a column of the first source, which is true for most rows."""
    source = scope.sources[0]
    name, kind = author.choose(list(source.kinds.items()))
    return author.choose(_LOOSE[kind])(source.column(name))


@CONDITIONS(5, leaf=True)
def _named(author: Author, scope: Scope) -> Any:
    return named(author, scope) if scope.sources else column(author, NUMBER, scope) > 4


@CONDITIONS(2)
def _comparison(author: Author, scope: Scope) -> Any:
    kind = author.choose(_KINDS)
    left, right = (expression(author, kind, scope.deeper()) for _ in range(2))
    if kind == FLAG:
        return left.is_distinct_from(right)
    return author.choose(_COMPARISONS)(left, right)


@CONDITIONS(1, leaf=True)
def _pattern(author: Author, scope: Scope) -> Any:
    text, part = column(author, TEXT, scope), author.choose(["a", "i", "mil", "%", "use"])
    return author.one_of(
        lambda: text.contains(part, autoescape=True),
        lambda: text.startswith(part),
        lambda: text.ilike(f"%{part}%"),
        lambda: ~text.like(part),
    )


@CONDITIONS(1, leaf=True)
def _membership(author: Author, scope: Scope) -> Any:
    kind = author.choose([NUMBER, TEXT, TIME])
    values = [constant(author, kind) for _ in range(author.number(1, 6))]
    subject = column(author, kind, scope)
    return author.one_of(
        lambda: subject.in_(values),
        lambda: subject.not_in(values),
        lambda: subject.in_(bindparam(None, values, expanding=True)),
    )


@CONDITIONS(0.5, leaf=True)
def _tuple_membership(author: Author, scope: Scope) -> Any:
    pairs = [(constant(author, NUMBER), constant(author, TEXT)) for _ in range(3)]
    return tuple_(column(author, NUMBER, scope), column(author, TEXT, scope)).not_in(pairs)


@CONDITIONS(1)
def _range(author: Author, scope: Scope) -> Any:
    subject, low, high = (expression(author, NUMBER, scope.deeper()) for _ in range(3))
    return between(subject, low, high, symmetric=author.is_postgres and author.happens(0.3))


@CONDITIONS(1)
def _null(author: Author, scope: Scope) -> Any:
    subject = expression(author, author.choose([NUMBER, TEXT, TIME]), scope.deeper())
    return subject.is_(None) if author.happens(0.3) else subject.is_not(None)


@CONDITIONS(2)
def _both(author: Author, scope: Scope) -> Any:
    return and_(*(condition(author, scope.deeper()) for _ in range(2)))


@CONDITIONS(2)
def _either(author: Author, scope: Scope) -> Any:
    return or_(*(condition(author, scope.deeper()) for _ in range(2)))


@CONDITIONS(1)
def _negation(author: Author, scope: Scope) -> Any:
    return not_(condition(author, scope.deeper()))


@CONDITIONS(0.5, leaf=True)
def _collation(author: Author, scope: Scope) -> Any:
    collation = "C" if author.is_postgres else "NOCASE"
    return collate(column(author, TEXT, scope), collation) >= constant(author, TEXT)


@CONDITIONS(0.1, leaf=True)
def _custom_operator(author: Author, scope: Scope) -> Any:
    # An operator that SQLAlchemy does not know is written as raw SQL.
    return column(author, NUMBER, scope).op("&", is_comparison=False)(7) > 1

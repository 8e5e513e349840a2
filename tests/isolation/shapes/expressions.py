"""Expressions of each kind: columns, constants and functions."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Text,
    bindparam,
    case,
    cast,
    extract,
    func,
    literal,
    type_coerce,
)
from sqlalchemy.sql.expression import FromClause
from sqlmodel.sql.sqltypes import UTCDateTime

from tests.isolation.shapes.grammar import FLAG, NUMBER, TEXT, TIME, Author, Make, Productions, Scope
from tests.isolation.shapes.rows import moment

NUMBERS: Final = Productions()
TEXTS: Final = Productions()
FLAGS: Final = Productions()
TIMES: Final = Productions()
EXPRESSIONS: Final = {NUMBER: NUMBERS, TEXT: TEXTS, FLAG: FLAGS, TIME: TIMES}
CONDITIONS: Final = Productions()
"""Conditions are in `conditions.py` and `subqueries.py`."""

_CONSTANTS: Final[dict[str, list[Any]]] = {
    NUMBER: [0, 1, 2, 3, 4, 5, 7, 8, 12, 13, 14, 15, 16, 17, 18, 20],
    TEXT: ["milk", "bread", "house", "garden", "aaa", "zzz", "Milk", "mallory", "alice", ""],
    FLAG: [True, False],
    TIME: [moment(day) for day in (1, 5, 9, 11, 13, 28)],
}
_TYPES: Final[dict[str, Any]] = {NUMBER: BigInteger(), TEXT: Text(), FLAG: Boolean(), TIME: UTCDateTime()}


def of_every_kind(weight: float = 1) -> Callable[[Make], Make]:
    """Add a production, which gets the kind as an argument, to the expressions of every kind."""

    def add(make: Make) -> Make:
        for kind, productions in EXPRESSIONS.items():
            productions(weight)(_of_one_kind(make, kind))
        return make

    return add


def _of_one_kind(make: Make, kind: str) -> Make:
    @wraps(make)
    def made(author: Author, scope: Scope) -> Any:
        return make(author, kind, scope)

    return made


def expression(author: Author, kind: str, scope: Scope) -> Any:
    """Return an expression of this kind."""
    return author.write(EXPRESSIONS[kind], scope)


def constant(author: Author, kind: str) -> Any:
    """Return a constant of this kind; some rows have this value."""
    return author.choose(_CONSTANTS[kind])


def column(author: Author, kind: str, scope: Scope) -> Any:
    """Return a column of this kind, or a constant where there is none."""
    if columns := scope.columns(kind):
        source, name = author.choose(columns)
        return source.column(name)
    return literal(constant(author, kind), _TYPES[kind])


def condition(author: Author, scope: Scope) -> Any:
    """Return a condition on the sources in scope."""
    return author.write(CONDITIONS, scope)


@NUMBERS(6, leaf=True)
def _number_column(author: Author, scope: Scope) -> Any:
    return column(author, NUMBER, scope)


@NUMBERS(1, leaf=True)
def _number_constant(author: Author, _: Scope) -> Any:
    value = constant(author, NUMBER)
    return bindparam(None, value, type_=BigInteger, literal_execute=author.happens(0.2))


@NUMBERS()
def _arithmetic(author: Author, scope: Scope) -> Any:
    left, right = (expression(author, NUMBER, scope.deeper()) for _ in range(2))
    return author.one_of(lambda: left + right, lambda: left - right, lambda: left * 2, lambda: left % 7, lambda: -left)


@NUMBERS(leaf=True)
def _length(author: Author, scope: Scope) -> Any:
    return func.length(column(author, TEXT, scope), type_=BigInteger)


@NUMBERS(leaf=True)
def _extract(author: Author, scope: Scope) -> Any:
    return cast(extract(author.choose(["day", "year"]), column(author, TIME, scope)), BigInteger)


@TEXTS(6, leaf=True)
def _text_column(author: Author, scope: Scope) -> Any:
    return column(author, TEXT, scope)


@TEXTS(1, leaf=True)
def _text_constant(author: Author, _: Scope) -> Any:
    return literal(constant(author, TEXT), Text)


@TEXTS(leaf=True)
def _text_function(author: Author, scope: Scope) -> Any:
    text = column(author, TEXT, scope)
    name = author.choose(["lower", "upper", "trim", "hex" if not author.is_postgres else "md5"])
    return getattr(func, name)(text, type_=Text)


@TEXTS()
def _concatenation(author: Author, scope: Scope) -> Any:
    left, right = (expression(author, TEXT, scope.deeper()) for _ in range(2))
    return cast(left, Text) + right


@TEXTS()
def _number_as_text(author: Author, scope: Scope) -> Any:
    return cast(expression(author, NUMBER, scope.deeper()), Text)


@TEXTS(leaf=True)
def _part_of_a_text(author: Author, scope: Scope) -> Any:
    return func.substr(column(author, TEXT, scope), 1, author.number(1, 3), type_=Text)


@TEXTS(0.3, only="postgresql", leaf=True)
def _whole_row_as_json(author: Author, scope: Scope) -> Any:
    tables: list[Any] = [source.element for source in scope.sources if isinstance(source.element, FromClause)]
    if not tables:
        return column(author, TEXT, scope)
    return cast(func.to_jsonb(author.choose(tables).table_valued()), Text)


@FLAGS(2, leaf=True)
def _flag_column(author: Author, scope: Scope) -> Any:
    return column(author, FLAG, scope)


@FLAGS()
def _condition_as_a_value(author: Author, scope: Scope) -> Any:
    return case((condition(author, scope.deeper()), True), else_=False)


@TIMES(5, leaf=True)
def _time_column(author: Author, scope: Scope) -> Any:
    return column(author, TIME, scope)


@TIMES(1, leaf=True)
def _time_constant(author: Author, _: Scope) -> Any:
    return literal(constant(author, TIME), UTCDateTime)


@of_every_kind()
def _case(author: Author, kind: str, scope: Scope) -> Any:
    deeper = scope.deeper()
    otherwise = expression(author, kind, deeper) if author.happens(0.7) else None
    return case((condition(author, deeper), expression(author, kind, deeper)), else_=otherwise)


@of_every_kind()
def _coalesce(author: Author, kind: str, scope: Scope) -> Any:
    values = [expression(author, kind, scope.deeper()) for _ in range(2)]
    return func.coalesce(*values) if author.happens(0.5) else func.nullif(*values)


@of_every_kind()
def _coerced(author: Author, kind: str, scope: Scope) -> Any:
    value = expression(author, kind, scope.deeper())
    coerce: Any = author.choose([cast, type_coerce])
    return coerce(value, _TYPES[kind]) if kind in (NUMBER, TEXT) else value

"""Figures: counts, sums, minima and maxima of the rows that match a filter, together or in groups, in one scan."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    Table,
    Text,
    case,
    cast,
    func,
    literal_column,
    select,
    type_coerce,
)

from app.core.data.sql.conditions import Condition, Expression
from app.core.data.sql.filters import Filter, conditions_of
from app.core.data.sql.operators import stored_type
from app.core.data.sql.shapes import MAX_SHAPES
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import table_of

MAX_GROUPS: Final = 100
PLACE: Final = "place"
"""The place of a group among all, from 1; that of the other rows is `OTHER_PLACE`."""
OTHER_PLACE: Final = MAX_GROUPS + 1

_KEY: Final = "key"
_HALF: Final = literal_column("32", BigInteger)
_LOWER_HALF: Final = literal_column(str(2**32 - 1), BigInteger)
_BY_CODE_POINT: Final = Text().with_variant(Text(collation="C"), "postgresql")  # as SQLite compares texts

Merge = Callable[[ColumnElement[Any]], ColumnElement[Any]]


class Figure(NamedTuple):
    """A figure of the rows for which its condition is true; `field` is the field of a sum, minimum or maximum."""

    kind: Literal["count", "sum", "min", "max"]
    description: str
    field: str = ""
    condition: Expression | None = None


Figures = tuple[tuple[str, Figure], ...]
"""Figures by name."""


class FiguresShape(NamedTuple):
    """The parts of a query of figures that change its SQL; `group` is the field by which the rows are grouped."""

    figures: Figures
    group: str | None = None
    chosen: Filter = Filter()


class _Piece(NamedTuple):
    # An aggregate over rows, and how the aggregates of several groups become one.
    value: ColumnElement[Any]
    merge: Merge


@lru_cache(maxsize=MAX_SHAPES)
def figures_of(model: type[Owned], shape: FiguresShape) -> Select[Any]:
    """Return the query of figures, with the parameters of `bind_filter`.

    Each figure is a column, but a sum is two: the sums of the upper and of the lower 32 bits. With a group, the columns
    before them are `PLACE` and the value of the group. The groups come in the order of their field, nulls last; those
    after the first `MAX_GROUPS` are one row.
    """
    table, where = table_of(model), conditions_of(model, shape.chosen)
    pieces = [piece for _, figure in shape.figures for piece in _pieces(model, figure)]
    values = [piece.value.label(f"piece_{number}") for number, piece in enumerate(pieces)]
    if shape.group is None:
        return select(*values).select_from(table).where(*where)
    key = table.c[shape.group]
    groups = select(key.label(_KEY), *values).where(*where).group_by(key)
    return _merged(groups, [piece.merge for piece in pieces])


def condition_of(model: type[Owned], figure: Figure) -> ColumnElement[bool] | None:
    """Return the condition of a figure as SQL."""
    if figure.condition is None:
        return None
    [condition] = conditions_of(model, Filter((Condition("", "is", figure.condition),)))
    return condition


def _pieces(model: type[Owned], figure: Figure) -> Iterator[_Piece]:
    condition = condition_of(model, figure)
    for aggregate, merge in _aggregates(table_of(model), figure):
        yield _Piece(aggregate if condition is None else aggregate.filter(condition), merge)


def _aggregates(table: Table, figure: Figure) -> Iterator[tuple[Any, Merge]]:
    if figure.kind == "count":
        yield func.count(), func.sum
    elif figure.kind == "sum":
        # Problem: SQLite refuses a sum of more than 64 bits. Decision: add the halves of the numbers. So a sum is
        # exact on both databases, whatever the numbers are. Cost: one aggregate more.
        number = cast(type_coerce(table.c[figure.field], BigInteger), BigInteger)
        yield func.sum(number.bitwise_rshift(_HALF)), func.sum
        yield func.sum(number.bitwise_and(_LOWER_HALF)), func.sum
    else:
        aggregate = func.min if figure.kind == "min" else func.max
        yield aggregate(table.c[figure.field]), aggregate


def _merged(groups: Select[Any], merges: list[Merge]) -> Select[Any]:
    # The database counts and cuts the groups, because their number has no limit.
    found = groups.subquery("groups")
    key, *values = found.c
    place = func.row_number().over(order_by=[key.is_(None), _ordered(key)])
    is_shown = place <= MAX_GROUPS
    cut = select(
        case((is_shown, place), else_=OTHER_PLACE).label(PLACE), case((is_shown, key)).label(_KEY), *values
    ).subquery("cut")
    merged = [merge(cut.c[value.key]).label(value.key) for value, merge in zip(values, merges, strict=True)]
    return select(cut.c[PLACE], cut.c[_KEY], *merged).group_by(cut.c[PLACE], cut.c[_KEY]).order_by(cut.c[PLACE])


def _ordered(key: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(key, _BY_CODE_POINT) if isinstance(stored_type(key), String) else key

"""The answers with figures: requests for them, and their values from the rows that the query returns."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import Enum
from functools import reduce
from itertools import islice
from typing import Any, NamedTuple

from msgspec import Struct
from sqlalchemy import Float

from app.core.data.connection.compiled import Rows
from app.core.data.errors import SumTooLarge
from app.core.data.repository.figure_structs import GROUPS, OTHER, figure_structs
from app.core.data.sql.conditions import Condition
from app.core.data.sql.figures import OTHER_PLACE, Figure, Figures, FiguresShape
from app.core.data.sql.filters import bind_filter
from app.core.data.tables.decimals import ScaledDecimal
from app.core.data.tables.field_types import MAX_SAFE_INT
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import columns_by_name


class FiguresRequest(NamedTuple):
    """A request for the figures of the rows that match, perhaps in groups; `PageRequest` describes the filter."""

    group: str | None = None
    conditions: tuple[Condition, ...] = ()
    values: tuple[Any, ...] = ()
    words: tuple[str, ...] = ()


class FiguresReader:
    """Makes the answers with these figures of a table, which can be grouped by one of the fields `group_by`.

    An answer is an instance of `struct`: the figures of all rows that match. With a group it also has those of at most
    `MAX_GROUPS` groups, and those of all other rows if there are any.
    """

    def __init__(self, model: type[Owned], figures: Figures, group_by: tuple[str, ...], module: str) -> None:
        self.figures, self.group_by = figures, group_by
        self.struct, self._group, self._other = figure_structs(model, figures, group_by, module)
        self._readings = [(name, _reading_of(model, name, figure)) for name, figure in figures]

    def query(self, request: FiguresRequest) -> tuple[FiguresShape, dict[str, Any]]:
        """Return the shape of the query, and the values of its parameters."""
        chosen, bound = bind_filter(request.conditions, request.values, request.words)
        return FiguresShape(self.figures, request.group, chosen), bound

    def read(self, request: FiguresRequest, rows: Rows) -> Struct:
        """Return the answer with what the query found; raise SumTooLarge."""
        if request.group is None:
            return self.struct(**self._merged([self._values(row) for row in rows]))
        found = [(place, key, self._values(values)) for place, key, *values in rows]
        parts = {
            GROUPS: [
                self._group(**{request.group: key}, **self._merged([values]))  # type: ignore[misc]  # it is there
                for place, key, values in found
                if place != OTHER_PLACE
            ],
            OTHER: next(
                (self._other(**self._merged([values])) for place, _, values in found if place == OTHER_PLACE),  # type: ignore[misc]
                None,
            ),
        }
        return self.struct(**self._merged([values for *_, values in found]), **parts)

    def _values(self, pieces: Iterable[Any]) -> list[Any]:
        remaining = iter(pieces)
        return [reading.value(*islice(remaining, reading.width)) for _, reading in self._readings]

    def _merged(self, rows: list[list[Any]]) -> dict[str, Any]:
        return {
            name: reading.finish(reduce(reading.merge, (row[place] for row in rows), reading.nothing))
            for place, (name, reading) in enumerate(self._readings)
        }


class _Reading(NamedTuple):
    # How a figure is made of the columns of a row, merged with those of other rows, and finished for the answer.
    width: int
    value: Callable[..., Any]
    merge: Callable[[Any, Any], Any]
    finish: Callable[[Any], Any]
    nothing: int | None = 0


def _reading_of(model: type[Owned], name: str, figure: Figure) -> _Reading:
    if figure.kind == "count":
        return _Reading(1, lambda number: int(number or 0), _add, _unchanged)
    if figure.kind == "sum":
        kind = columns_by_name(model)[figure.field].type
        scale = kind.scale if isinstance(kind, ScaledDecimal) else None
        return _Reading(2, _joined, _add, lambda number: _finished_sum(name, number, scale))
    choose = min if figure.kind == "min" else max
    is_float = isinstance(columns_by_name(model)[figure.field].type, Float)
    finish = _finished_float if is_float else _unchanged
    return _Reading(1, _unchanged, lambda one, other: _chosen(choose, one, other), finish, None)


def _joined(upper: Any, lower: Any) -> int:
    # A sum of integers is a decimal on PostgreSQL, and null without rows.
    return (int(upper or 0) << 32) + int(lower or 0)


def _finished_sum(name: str, number: int, scale: int | None) -> int | Decimal:
    if scale is not None:
        return Decimal(number).scaleb(-scale)
    if abs(number) > MAX_SAFE_INT:
        raise SumTooLarge(name)
    return number


def _chosen(choose: Callable[..., Any], one: Any, other: Any) -> Any:
    present = [value for value in (one, other) if value is not None]
    return choose(present, key=_rank) if present else None


def _rank(value: Any) -> Any:
    # The members of a ranked choice ascend. As texts, they would have another order.
    return [*type(value)].index(value) if isinstance(value, Enum) else value


def _finished_float(value: float | None) -> float | None:
    # SQLite returns 2.0 as 2 from a subquery, and of -0.0 and 0.0, which are equal, each database chooses another one.
    return None if value is None else value + 0.0


def _add(one: int, other: int) -> int:
    return one + other


def _unchanged(value: Any) -> Any:
    return value

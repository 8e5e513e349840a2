"""Conditions and orders of a query, as a client names them; their values are bound parameters."""

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import ColumnElement

Expression = Callable[..., ColumnElement[bool]]
"""A condition of a noun's author: a function of the row's columns and of one bound parameter for each value."""


class Condition(NamedTuple):
    """A condition on a field: `due_at`, `lt`. The field of another table is `project__archived`.

    A named filter has the operator `is` or `isnot`, and its expression.
    """

    field: str
    operator: str
    expression: Expression | None = None


class Sort(NamedTuple):
    """A field by which rows are sorted."""

    field: str
    is_descending: bool = False


def before_id(order: tuple[Sort, ...]) -> tuple[Sort, ...]:
    """Return the order without `id`, which may be its only field."""
    return () if [sort.field for sort in order] == ["id"] else order


def is_id_descending(order: tuple[Sort, ...]) -> bool:
    """Tell whether rows that are equal in an order are sorted by descending `id`: in the direction of its last field.

    So one index of the field and the id has the order in both directions.
    """
    return bool(order) and order[-1].is_descending

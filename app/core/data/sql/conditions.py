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

"""Conditions and orders of a query, as a client names them; their values are bound parameters."""

from typing import NamedTuple


class Condition(NamedTuple):
    """A condition on a field: `due_at`, `lt`. The field of another table is `project__archived`."""

    field: str
    operator: str


class Sort(NamedTuple):
    """A field by which rows are sorted."""

    field: str
    is_descending: bool = False

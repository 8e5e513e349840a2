"""Tables: the names that a `models.py` imports."""

from decimal import Decimal
from uuid import UUID

from pydantic import FiniteFloat

from app.core.data.tables.declarations import Fields
from app.core.data.tables.field_functions import (
    choice,
    day,
    decimal,
    flag,
    instant,
    integer,
    long_text,
    number,
    ref,
    text,
    uuid,
)
from app.core.data.tables.field_types import Day, Instant, NonBlankText, PlainText, RowId, SafeInt, Timestamped
from app.core.data.tables.indexes import index, unique
from app.core.data.tables.owned import Owned

__all__ = [
    "UUID",
    "Day",
    "Decimal",
    "Fields",
    "FiniteFloat",
    "Instant",
    "NonBlankText",
    "Owned",
    "PlainText",
    "RowId",
    "SafeInt",
    "Timestamped",
    "choice",
    "day",
    "decimal",
    "flag",
    "index",
    "instant",
    "integer",
    "long_text",
    "number",
    "ref",
    "text",
    "unique",
    "uuid",
]

"""Tables: the names that a `models.py` imports."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import FiniteFloat

from app.core.data.tables.addresses import Email, Url
from app.core.data.tables.clock import TimeZone, day_in, now
from app.core.data.tables.declarations import Fields
from app.core.data.tables.field_functions import (
    choice,
    day,
    decimal,
    flag,
    instant,
    integer,
    json,
    long_text,
    number,
    ref,
    refs,
    stamp,
    text,
    uuid,
)
from app.core.data.tables.field_types import Day, Instant, NonBlankText, PlainText, RowId, RowIds, SafeInt, Timestamped
from app.core.data.tables.indexes import index, one_per_owner, unique
from app.core.data.tables.owned import Owned

JsonObject = dict[str, Any]
"""A JSON object with any content."""

__all__ = [
    "UUID",
    "Day",
    "Decimal",
    "Email",
    "Fields",
    "FiniteFloat",
    "Instant",
    "JsonObject",
    "NonBlankText",
    "Owned",
    "PlainText",
    "RowId",
    "RowIds",
    "SafeInt",
    "TimeZone",
    "Timestamped",
    "Url",
    "choice",
    "day",
    "day_in",
    "decimal",
    "flag",
    "index",
    "instant",
    "integer",
    "json",
    "long_text",
    "now",
    "number",
    "one_per_owner",
    "ref",
    "refs",
    "stamp",
    "text",
    "unique",
    "uuid",
]

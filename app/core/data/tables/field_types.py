"""Field types: rules for text, numbers, keys and times that tables and schemas share."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from annotated_types import Interval, MinLen
from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from sqlalchemy import BigInteger, Integer, func
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlmodel import Field, SQLModel

from app.core.data.tables.versions import FIRST_INSTANT, LAST_INSTANT, change_time

MAX_ID = 2**63 - 1
MAX_SAFE_INT: Final = 2**53 - 1
# SQLite generates ids for INTEGER keys only; they have 64 bits, too.
BigIntKey = BigInteger().with_variant(Integer(), "sqlite")


# White space as a character class with the same meaning in JavaScript (JSON Schema's patterns) and in Python: their \s
# differ. It has as few \u as possible, because some client generators drop them.
_SPACE: Final = r"\s\x1C-\x1F\x85\uFEFF"
_BLANK: Final = re.compile(f"[{_SPACE}]*")


@dataclass(frozen=True)
class DocumentedPattern:
    """Documents the pattern of a rule that a function checks. Factories do not see it, so they make readable texts."""

    expression: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": self.expression}


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise PydanticCustomError("string_nul", "String should not contain NUL characters")
    return text


def _not_blank(text: str) -> str:
    if _BLANK.fullmatch(text):
        raise PydanticCustomError("string_blank", "String should not be blank")
    return text


def _in_utc(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise PydanticCustomError("timezone_aware", "Input should have timezone info")
    if not FIRST_INSTANT <= moment <= LAST_INSTANT:
        raise PydanticCustomError("datetime_range", "Input should not be at an end of the calendar")
    return moment.astimezone(UTC)


PlainText = Annotated[str, AfterValidator(_without_nul), DocumentedPattern(r"^[^\x00]*$")]
"""Any text without NUL, which PostgreSQL cannot store."""

NonBlankText = Annotated[
    str,
    MinLen(1),
    AfterValidator(_without_nul),
    AfterValidator(_not_blank),
    DocumentedPattern(rf"^[{_SPACE}]*[^\x00{_SPACE}][^\x00]*$"),
]
"""Text with at least one character that is not white space."""

SafeInt = Annotated[int, Interval(ge=-MAX_SAFE_INT, le=MAX_SAFE_INT)]
"""An integer that JavaScript reads exactly; its column is a `BigInteger`."""

Day = date
"""A date, under another name, so a field can be named `date`."""

Instant = Annotated[datetime, AfterValidator(_in_utc)]
"""A point in time: sent with its UTC offset, stored and returned in UTC."""

RowId = Annotated[int, Interval(ge=1, le=MAX_ID)]
"""The id of another row: 1 to 2^63 - 1."""

RowIds = list[RowId]
"""The ids of other rows; `refs()` declares the field."""


@dataclass(frozen=True)
class Canonical:
    """Sorts a list of ids and drops repeated ones, so that equal sets are equal values."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(canonical, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "uniqueItems": True}


def canonical(ids: Iterable[int]) -> list[int]:
    """Return the ids in ascending order, each once."""
    return sorted({*ids})


def utcnow(_: DefaultExecutionContext | None = None) -> datetime:
    """Return the current time in UTC, with a time zone."""
    return datetime.now(UTC)


def _as_created(context: DefaultExecutionContext) -> Any:
    # A new row has the same time in both columns, so a client sees whether the row was ever changed.
    return context.get_current_parameters()["created_at"]  # type: ignore[no-untyped-call]


class Timestamped(SQLModel):
    """The mixin for the times of creation and of the last change.

    A table lists it first, `class Task(Timestamped, TaskFields, Owned, table=True)`, so its fields come last.
    """

    created_at: datetime = Field(
        default_factory=utcnow,
        sa_column_kwargs={"server_default": func.now()},
        description="When it was created (RFC 3339, UTC).",
    )
    updated_at: datetime = Field(
        default_factory=utcnow,
        sa_column_kwargs={"server_default": func.now(), "default": _as_created, "onupdate": change_time()},
        description="When it was last changed (RFC 3339, UTC).",
    )

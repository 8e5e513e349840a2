"""The field types that tables share, so that a rule about text, keys or time is written once."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from annotated_types import Interval, MinLen
from pydantic import AfterValidator, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from sqlalchemy import BigInteger, Integer, func
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlmodel import Field, SQLModel

from app.core.data.tables.versions import FIRST_INSTANT, LAST_INSTANT, change_time

MAX_ID = 2**63 - 1
MAX_SAFE_INT: Final = 2**53 - 1
# SQLite gives ids of its own accord to INTEGER keys only; they are 64 bits wide there as well.
BigIntKey = BigInteger().with_variant(Integer(), "sqlite")


# White space as a character class that JavaScript, which JSON Schema's patterns are for, and Python read alike: each
# counts as \s some that the other does not. Without \u where there is another way: not every generator keeps it.
_SPACE: Final = r"\s\x1C-\x1F\x85\uFEFF"
_BLANK: Final = re.compile(f"[{_SPACE}]*")


@dataclass(frozen=True)
class Documented:
    """The pattern by which a schema says what a function holds. Factories do not see it, and invent readable texts."""

    expression: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Add the pattern to what pydantic says of the type."""
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


PlainText = Annotated[str, AfterValidator(_without_nul), Documented(r"^[^\x00]*$")]
"""Any text that both databases can store: PostgreSQL has no NUL, SQLite would keep it."""

NonBlankText = Annotated[
    str,
    MinLen(1),
    AfterValidator(_without_nul),
    AfterValidator(_not_blank),
    Documented(rf"^[{_SPACE}]*[^\x00{_SPACE}][^\x00]*$"),
]
"""Text that says something: not empty, not only white space."""

SafeInt = Annotated[int, Interval(ge=-MAX_SAFE_INT, le=MAX_SAFE_INT)]
"""An integer that every reader of JSON keeps to the digit, JavaScript included; its column is a `BigInteger`."""

Day = date
"""A day of the calendar, under a name that leaves `date` to a field."""

Instant = Annotated[datetime, AfterValidator(_in_utc)]
"""A moment: sent with its distance from UTC, stored and answered in UTC."""

RowId = Annotated[int, Interval(ge=1, le=MAX_ID)]
"""The id of another row, within what a database can hold."""


def utcnow(_: DefaultExecutionContext | None = None) -> datetime:
    """Return the present time, aware, in UTC."""
    return datetime.now(UTC)


def _as_created(context: DefaultExecutionContext) -> Any:
    """A new row was last updated when it was created, to the microsecond, so that a client may compare the two."""
    return context.get_current_parameters()["created_at"]  # type: ignore[no-untyped-call]


class Timestamped(SQLModel):
    """A table that knows when its rows were made and last changed (UTC)."""

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

"""The field types that tables share, so that a rule about text, keys or time is written once."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from annotated_types import Interval, MinLen
from pydantic import AfterValidator, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from sqlalchemy import BigInteger, Integer, func
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlmodel import Field, SQLModel

from app.core.data.states import FIRST_INSTANT, LAST_INSTANT, change_time

MAX_ID = 2**63 - 1
MAX_SAFE_INT: Final = 2**53 - 1
# SQLite gives ids of its own accord to INTEGER keys only; they are 64 bits wide there as well.
BigIntKey = BigInteger().with_variant(Integer(), "sqlite")


# As JSON Schema has patterns, which are JavaScript's. Its \s is not quite what str.strip() takes for white space.
_SPACE: Final = r"\u0009-\u000D\u001C-\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"


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
    if not text.strip():
        raise PydanticCustomError("string_blank", "String should not be blank")
    return text


def _in_utc(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise PydanticCustomError("timezone_aware", "Input should have timezone info")
    if not FIRST_INSTANT <= moment <= LAST_INSTANT:
        raise PydanticCustomError("datetime_range", "Input should not be at an end of the calendar")
    return moment.astimezone(UTC)


PlainText = Annotated[str, AfterValidator(_without_nul), Documented(r"^[^\u0000]*$")]
"""Any text that both databases can store: PostgreSQL has no NUL, SQLite would keep it."""

Line = Annotated[
    str,
    MinLen(1),
    AfterValidator(_without_nul),
    AfterValidator(_not_blank),
    Documented(rf"^[{_SPACE}]*[^\u0000{_SPACE}][^\u0000]*$"),
]
"""Text that says something: not empty, not only white space."""

SafeInt = Annotated[int, Interval(ge=-MAX_SAFE_INT, le=MAX_SAFE_INT)]
"""An integer that every reader of JSON keeps to the digit, JavaScript included; its column is a `BigInteger`."""

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

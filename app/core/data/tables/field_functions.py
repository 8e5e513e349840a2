"""Columns: the functions that declare a field with its column, foreign key and documentation.

The first argument describes the field to clients. A field whose type allows None defaults to null.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID

from pydantic import FiniteFloat
from pydantic_core import PydanticUndefined
from sqlalchemy import BigInteger, Text, false, true
from sqlmodel import Field

from app.core.data.errors import InvalidDeclaration
from app.core.data.tables.addresses import Email, Url
from app.core.data.tables.choices import ranked_choice
from app.core.data.tables.decimals import ScaledDecimal, decimal_rules
from app.core.data.tables.declarations import Declaration, OnDelete, Target
from app.core.data.tables.documents import LIMITS, JsonDocument, JsonRules
from app.core.data.tables.field_types import (
    BigIntKey,
    Canonical,
    Day,
    Instant,
    NonBlankText,
    PlainText,
    RowId,
    RowIds,
    SafeInt,
)
from app.core.data.tables.row_ids import RowIdList
from app.core.data.tables.stamps import stamp_column

UNSET: Final[Any] = PydanticUndefined

_TEXTS: Final = {"NonBlankText": NonBlankText, "PlainText": PlainText}
_LINES: Final = {**_TEXTS, "Email": Email, "Url": Url}


def text(description: str, *, max_length: int | None = None, default: Any = UNSET, example: Any = UNSET) -> Any:
    """Declare a text of at most `max_length` characters; the length is required."""
    declared = Declaration("text", _LINES, needs_length=True)
    return _field(declared, description, default, example, max_length=max_length)


def long_text(description: str, *, max_length: int = 10_000, default: Any = UNSET, example: Any = UNSET) -> Any:
    """Declare a text whose column has no length, so that a change of `max_length` needs no migration."""
    return _field(Declaration("long_text", _TEXTS), description, default, example, max_length=max_length, sa_type=Text)


def flag(description: str, *, default: bool | None = False, example: Any = UNSET) -> Any:
    """Declare a bool; the database has its default too."""
    column = {} if default is None else {"server_default": true() if default else false()}
    shown = default if example is UNSET else example
    return _field(Declaration("flag", {"bool": bool}), description, default, shown, sa_column_kwargs=column)


def instant(description: str, *, default: Any = UNSET, example: Any = UNSET) -> Any:
    """Declare a point in time, stored in UTC."""
    return _field(Declaration("instant", {"Instant": Instant}), description, default, example)


def stamp(flag: str, description: str) -> Any:
    """Declare the instant at which a flag became true, which is null while it is false; the server sets it.

    The table class itself has it, after the flag, so that clients cannot send it.
    """
    declared = Declaration("stamp", {"Instant": Instant}, flag=flag)
    return _field(declared, description, None, UNSET, sa_column_kwargs=stamp_column(flag))


def day(description: str, *, default: Any = UNSET, example: Any = UNSET) -> Any:
    """Declare a date."""
    return _field(Declaration("day", {"Day": Day}), description, default, example)


def integer(
    description: str, *, ge: int | None = None, le: int | None = None, default: Any = UNSET, example: Any = UNSET
) -> Any:
    """Declare an integer from `ge` to `le`."""
    declared = Declaration("integer", {"SafeInt": SafeInt})
    return _field(declared, description, default, example, ge=ge, le=le, sa_type=BigInteger)


def number(
    description: str, *, ge: float | None = None, le: float | None = None, default: Any = UNSET, example: Any = UNSET
) -> Any:
    """Declare a floating-point number from `ge` to `le`."""
    return _field(Declaration("number", {"FiniteFloat": FiniteFloat}), description, default, example, ge=ge, le=le)


def decimal(
    description: str,
    *,
    scale: int,
    ge: Decimal | int | str | None = None,
    le: Decimal | int | str | None = None,
    default: Any = UNSET,
    example: Any = UNSET,
) -> Any:
    """Declare an exact number of `scale` fraction digits and 18 digits in all; JSON has it as a string: "12.50"."""
    rules = decimal_rules(scale, ge, le)
    shown = str(rules.example) if example is UNSET else example
    default = rules.normalized(default)
    field = _field(
        Declaration("decimal", {"Decimal": Decimal}), description, default, shown, sa_type=ScaledDecimal(scale)
    )
    field.metadata.append(rules)
    return field


def json(description: str, *, default: Any = UNSET, example: Any = UNSET) -> Any:
    """Declare a JSON value of any type that pydantic knows, like `list[str]`; a change replaces all of it."""
    declared = Declaration("json", {})
    field = _field(declared, f"{description} {LIMITS}", default, example, sa_type=JsonDocument())
    field.metadata.append(JsonRules())
    return field


def uuid(description: str, *, default: Any = UNSET, example: Any = UNSET) -> Any:
    """Declare a UUID."""
    return _field(Declaration("uuid", {"UUID": UUID}), description, default, example)


def choice(
    description: str, *, ranks: Mapping[Any, int] | None = None, default: Any = UNSET, example: Any = UNSET
) -> Any:
    """Declare a member of an `Enum`; a CHECK constraint allows their values only.

    With `ranks`, a number for each member, rows sort and compare by it: `{Priority.LOW: 10, Priority.HIGH: 20}`. Gaps
    leave room for further members.
    """
    declared = Declaration("choice", {"an Enum": Enum}, ranks=ranks)
    return _field(declared, description, default, example, **ranked_choice(ranks))


def ref(table: str, description: str, *, on_delete: OnDelete, default: Any = UNSET, example: Any = UNSET) -> Any:
    """Declare a reference to a row of an owned table.

    When that row is deleted, "set null" clears the reference, "cascade" deletes this row, "restrict" refuses.
    """
    declared = Declaration("ref", {"RowId": RowId}, Target(table, on_delete))
    # Null is the only example that every client can send: the ids depend on the caller.
    shown = None if example is UNSET and on_delete == "set null" else example
    return _field(declared, description, default, shown, sa_type=BigIntKey)


def refs(table: str, description: str, *, max: int = 100) -> Any:
    """Declare a list of the ids of at most `max` rows of an owned table, empty by default.

    It is stored in ascending order, each id once. When a row is deleted, its id leaves the lists.
    """
    options: dict[str, Any] = {"sa_type": RowIdList(table), "sa_column_kwargs": {"server_default": "[]"}}
    # The empty list is the only example that every client can send: the ids depend on the caller.
    options |= {"max_length": max, "default_factory": list}
    field = _field(Declaration("refs", {"RowIds": RowIds}), description, UNSET, [], **options)
    field.metadata.append(Canonical())
    return field


def _field(declared: Declaration, description: str, default: Any, example: Any, /, **options: Any) -> Any:
    if (length := options.get("max_length")) is not None and length < 1:
        raise InvalidDeclaration(f"{declared.function}({description!r}, max_length={length}): a length is at least 1.")
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if example is not UNSET:
        given["schema_extra"] = {"examples": [example]}
    field: Any = Field(default=default, description=description, **given)
    field.metadata.append(declared)
    return field

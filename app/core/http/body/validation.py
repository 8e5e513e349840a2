"""Validation: what pydantic says against a body, read at a price that does not grow with the number of mistakes.

`ValidationError.errors()` makes Python objects of all of them, 2 µs each: a body of 1 MB holds 100,000 mistakes.
"""

import json
import re
from collections.abc import Set as AbstractSet
from typing import Any, Final

import msgspec
from msgspec import Struct
from pydantic import ValidationError

_LENGTH: Final = re.compile(r"Value should have at (most|least) (\d+) items? after validation, not \d+")
_MAX_READ: Final = 100  # mistakes: no table has as many columns that only the server sets


class ErrorDetails(Struct):
    """One thing that is wrong with a body, and where in it."""

    loc: list[str | int]
    msg: str
    type: str


def first_errors(error: ValidationError, limit: int) -> list[ErrorDetails]:
    """Return the first mistakes, in the order of the body."""
    text = error.json(include_url=False, include_context=False, include_input=False)
    found = msgspec.json.decode(text, type=list[msgspec.Raw])
    return [_as_text_error(msgspec.json.decode(each, type=ErrorDetails)) for each in found[:limit]]


def _as_text_error(details: ErrorDetails) -> ErrorDetails:
    """Say of an optional text what pydantic says of a required one: of the optional, it says that it has "items"."""
    if match := _LENGTH.fullmatch(details.msg):
        details.type = f"string_{details.type}"
        details.msg = f"String should have at {match[1]} {match[2]} character{'s' if match[2] != '1' else ''}"
    return details


def split_read_only(body: bytes, error: ValidationError, read_only: AbstractSet[str]) -> tuple[bytes, dict[str, Any]]:
    """Return a JSON object without the read-only fields for which it was refused, and these fields.

    A client may send a row back as it came, with the fields that only the server sets. Such a body fails its
    validation first, because its schema does not have them. So no other body pays for it.

    Raises:
        ValidationError: it was not refused for any of them.
    """
    found = first_errors(error, _MAX_READ)
    names = {details.loc[0] for details in found if details.type == "extra_forbidden"} & read_only
    if not names or error.error_count() > len(found):
        raise error
    fields = json.loads(body)
    sent_back = {str(name): fields.pop(name) for name in names}
    return json.dumps(fields).encode(), sent_back

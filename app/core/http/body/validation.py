"""Validation errors of pydantic, read at a cost that does not grow with their number."""

import json
import re
from collections.abc import Set as AbstractSet
from typing import Any, Final

import msgspec
from msgspec import Struct
from pydantic import ValidationError

_LENGTH: Final = re.compile(r"Value should have at (most|least) (\d+) items? after validation, not \d+")
_MAX_READ: Final = 100  # errors; no table has so many read-only columns


class ErrorDetails(Struct):
    """One error of a `ValidationError`, as pydantic writes it in JSON."""

    loc: list[str | int]
    msg: str
    type: str


def first_errors(error: ValidationError, limit: int) -> list[ErrorDetails]:
    """Return the first errors, in the order of the body."""
    # `error.errors()` makes Python objects of all errors, 2 µs each, and a body of 1 MB can have 100,000 of them.
    text = error.json(include_url=False, include_context=False, include_input=False)
    found = msgspec.json.decode(text, type=list[msgspec.Raw])
    return [_as_text_error(msgspec.json.decode(each, type=ErrorDetails)) for each in found[:limit]]


def _as_text_error(details: ErrorDetails) -> ErrorDetails:
    # For the length of an optional text, pydantic writes "items". Its message for a required text has "characters".
    if match := _LENGTH.fullmatch(details.msg):
        details.type = f"string_{details.type}"
        details.msg = f"String should have at {match[1]} {match[2]} character{'s' if match[2] != '1' else ''}"
    return details


def split_read_only(body: bytes, error: ValidationError, read_only: AbstractSet[str]) -> tuple[bytes, dict[str, Any]]:
    """Return a JSON object without the read-only fields, and these fields; raise `error` if it names none of them."""
    # A client may send a whole row back. Its validation fails first, so that other bodies do not pay for this.
    found = first_errors(error, _MAX_READ)
    names = {details.loc[0] for details in found if details.type == "extra_forbidden"} & read_only
    if not names or error.error_count() > len(found):
        raise error
    fields = json.loads(body)
    sent_back = {str(name): fields.pop(name) for name in names}
    return json.dumps(fields).encode(), sent_back

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
_MOST_READ: Final = 100  # mistakes: no table has as many columns that only the server sets


class Mistake(Struct):
    """One thing that is wrong with a body, and where in it."""

    loc: list[str | int]
    msg: str
    type: str


def first_errors(refusal: ValidationError, most: int) -> list[Mistake]:
    """Return the first mistakes, in the order of the body."""
    text = refusal.json(include_url=False, include_context=False, include_input=False)
    found = msgspec.json.decode(text, type=list[msgspec.Raw])
    return [_about_text(msgspec.json.decode(each, type=Mistake)) for each in found[:most]]


def _about_text(mistake: Mistake) -> Mistake:
    """Say of an optional text what pydantic says of a required one: of the optional, it says that it has "items"."""
    if match := _LENGTH.fullmatch(mistake.msg):
        mistake.type = f"string_{mistake.type}"
        mistake.msg = f"String should have at {match[1]} {match[2]} character{'s' if match[2] != '1' else ''}"
    return mistake


def take_read_only(body: bytes, refusal: ValidationError, read_only: AbstractSet[str]) -> tuple[bytes, dict[str, Any]]:
    """Return a JSON object without the read-only fields for which it was refused, and these fields.

    A client may send a row back as it came, with the fields that only the server sets. Such a body fails its
    validation first, because its schema does not have them. So no other body pays for it.

    Raises:
        ValidationError: it was not refused for any of them.
    """
    found = first_errors(refusal, _MOST_READ)
    names = {mistake.loc[0] for mistake in found if mistake.type == "extra_forbidden"} & read_only
    if not names or refusal.error_count() > len(found):
        raise refusal
    fields = json.loads(body)
    taken = {str(name): fields.pop(name) for name in names}
    return json.dumps(fields).encode(), taken

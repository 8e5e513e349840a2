"""Integers in a path or a query: decimal digits, with one spelling for each number."""

import re
from typing import Annotated, Final

from litestar.params import PathParameter
from litestar.routes.base import parsers_map

NO_ID: Final = -1
"""An id that no row can have."""

PathId = Annotated[int, PathParameter(description="The `id` of the row.")]

# Python and msgspec accept more: `1_0`, `+10`, `010`, ` 10`, `1e1`, digits of other scripts. Then one row would have
# several URLs, and caches, logs and the rules of a proxy would treat them as different.
_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]*")


def is_integer(text: str) -> bool:
    """Tell whether a text is the one spelling of an integer."""
    return _INTEGER.fullmatch(text) is not None


def parse_id(text: str) -> int:
    """Return the integer, or NO_ID if it has another spelling: the answer is the 404 of a missing row."""
    number = int(text)  # Litestar answers a ValueError with a 404
    return number if is_integer(text) else NO_ID


# Litestar's path converters: this one is for `{id:int}`. Litestar caches the result for each path.
parsers_map[int] = parse_id

"""Integers that arrive as text, in a path or in a query: decimal digits, and one spelling for each number.

Python and msgspec read more than that (`1_0`, `+10`, `010`, ` 10`, `1e1`, the digits of other scripts). Each further
spelling would be a further address of the same row: for caches, logs and rules in front it would be another one.
"""

import re
from typing import Final

from litestar.routes.base import parsers_map

NO_ID: Final = -1
"""An id that no row can have."""

_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]*")


def is_integer(text: str) -> bool:
    """Tell whether a text is an integer in its one spelling."""
    return _INTEGER.fullmatch(text) is not None


def parse_id(text: str) -> int:
    """Return the integer, or NO_ID for an integer in another spelling, which is answered like any unknown id.

    Raises:
        ValueError: it is no integer at all; Litestar answers 404, because no route has such a path.
    """
    number = int(text)
    return number if is_integer(text) else NO_ID


# Litestar's table of converters, which it reads when a route is made: this is what `{id:int}` means in a path. What it
# returns is remembered with the route, so a path that was seen before costs nothing.
parsers_map[int] = parse_id

"""The Prefer header (RFC 7240). Unknown preferences are ignored."""

import re
from collections.abc import Iterable
from typing import Final

_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # a token (RFC 9110, section 5.6.2)
# A list element ends at a comma outside of quotes. Quotes that are not closed end with the line.
_ELEMENT: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+', re.DOTALL)
# A name with an optional value. Parameters may follow; they are ignored.
_PREFERENCE: Final = re.compile(rf'[ \t]*({_WORD})(?:[ \t]*=[ \t]*({_WORD}|"(?:[^"\\]|\\.)*"))?[ \t]*(?:;|$)')


def parse_prefer(lines: Iterable[str]) -> dict[str, str]:
    """Return the preferences in the values of the header, by lower-case name. The first of two with one name counts."""
    found: dict[str, str] = {}
    for line in lines:
        for element in _ELEMENT.findall(line):
            if match := _PREFERENCE.match(element):
                found.setdefault(match[1].lower(), _unquoted(match[2] or ""))
    return found


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value

"""Preferences (RFC 7240): what a client would like, in the header Prefer; what nobody knows is ignored."""

import re
from collections.abc import Iterable
from typing import Final

_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # a token (RFC 9110, section 5.6.2)
# An element of a list ends at a comma outside of quotes; quotes that nobody closes end with the line.
_ELEMENT: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+', re.DOTALL)
# A name, perhaps with a value; parameters may follow, and none is defined for any preference that is served here.
_PREFERENCE: Final = re.compile(rf'[ \t]*({_WORD})(?:[ \t]*=[ \t]*({_WORD}|"(?:[^"\\]|\\.)*"))?[ \t]*(?:;|$)')


def parse_prefer(lines: Iterable[str]) -> dict[str, str]:
    """Return the preferences in the lines of the header, by name in lower case.

    A preference without a value has an empty one. Of a preference that is given twice, the first counts.
    """
    found: dict[str, str] = {}
    for line in lines:
        for element in _ELEMENT.findall(line):
            if match := _PREFERENCE.match(element):
                found.setdefault(match[1].lower(), _unquoted(match[2] or ""))
    return found


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value

"""Lines that are too long, laid out as the formatter of this repository lays them out."""

import re
from collections.abc import Iterator
from typing import Final

WIDTH: Final = 120
_INDENT: Final = "    "
_BRACKETS: Final = {"(": ")", "[": "]"}
_IMPORT: Final = re.compile(r"(from \S+ import )(.+)")


def wrapped(text: str) -> str:
    """Return a module's text without a line of code that is too long; what it says stays."""
    return "\n".join(part for line in text.splitlines() for part in _wrap(line)) + "\n"


def _wrap(line: str) -> Iterator[str]:
    if len(line) <= WIDTH:
        yield line
    elif found := _IMPORT.fullmatch(line):
        yield from (f"{found[1]}(", *(f"{_INDENT}{name}," for name in found[2].split(", ")), ")")
    else:
        yield from _split_brackets(line)


def _split_brackets(line: str) -> Iterator[str]:
    """What stands in the outermost brackets gets lines of its own: one if it fits, or one for each part."""
    start = min((line.index(bracket) for bracket in _BRACKETS if bracket in line), default=len(line))
    end = line.rindex(_BRACKETS[line[start]])
    inner = line[: len(line) - len(line.lstrip())] + _INDENT
    content, parts = line[start + 1 : end], _split_arguments(line[start + 1 : end])
    yield line[: start + 1]
    if len(inner + content) <= WIDTH or len(parts) == 1:
        yield from _wrap(inner + content)
    else:
        for part in parts:
            yield from _wrap(f"{inner}{part},")
    yield inner[: -len(_INDENT)] + line[end:]


def _split_arguments(content: str) -> list[str]:
    """The arguments: what commas part that are in no bracket."""
    parts, depth = [""], 0
    for character in content:
        depth += (character in "([") - (character in ")]")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]

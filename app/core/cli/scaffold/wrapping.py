"""Wraps long lines of code as the formatter of this repository does."""

import re
from collections.abc import Iterator
from typing import Final

WIDTH: Final = 120
_INDENT: Final = "    "
_BRACKETS: Final = {"(": ")", "[": "]", "{": "}"}
_IMPORT: Final = re.compile(r"(from \S+ import )(.+)")


def wrapped(text: str) -> str:
    """Return the text of a module with wrapped lines."""
    return "\n".join(part for line in text.splitlines() for part in _wrap(line)) + "\n"


def _wrap(line: str) -> Iterator[str]:
    if len(line) <= WIDTH:
        yield line
    elif found := _IMPORT.fullmatch(line):
        yield from (f"{found[1]}(", *(f"{_INDENT}{name}," for name in found[2].split(", ")), ")")
    else:
        yield from _split_brackets(line)


def _split_brackets(line: str) -> Iterator[str]:
    # The content of the outermost brackets gets one line if it fits, else a line for each argument.
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
    # Only commas outside of brackets separate arguments.
    parts, depth = [""], 0
    for character in content:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]

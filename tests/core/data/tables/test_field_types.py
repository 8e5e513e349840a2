"""Fields: what the document says of a text is what is held, for every character that there is."""

import re
import sys
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from app.core.data.tables.field_types import NonBlankText, PlainText

TYPES: list[Any] = [NonBlankText, PlainText]


@pytest.fixture(scope="module")
def every_character() -> list[str]:
    return [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]


def is_taken(kind: Any, text: str) -> bool:
    try:
        TypeAdapter(kind).validate_python(text)
    except ValidationError:
        return False
    return True


def pattern_of(kind: Any) -> re.Pattern[str]:
    return re.compile(TypeAdapter(kind).json_schema()["pattern"])


def test_the_pattern_says_of_every_character_whether_a_line_may_be_that_alone(every_character: list[str]) -> None:
    pattern = pattern_of(NonBlankText)
    matched = {character for character in every_character if pattern.search(character)}

    assert matched == {c for c in every_character if not c.isspace() and c not in {"\x00", "\ufeff"}}


def test_a_text_is_any_character_but_nul(every_character: list[str]) -> None:
    pattern = pattern_of(PlainText)

    assert [character for character in every_character if not pattern.search(character)] == ["\x00"]


@pytest.mark.parametrize("kind", TYPES, ids=["line", "text"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n",
        "\n\n",
        "a\n",
        "\na",
        " a ",
        "\x1f",
        "\x85\u2028\u3000",
        "\ufeff",
        "a\x00",
        "\x00a",
        " \x00 a",
        "Ü🥛",
    ],
)
def test_the_pattern_is_what_is_held(kind: Any, text: str) -> None:
    assert bool(pattern_of(kind).search(text)) is is_taken(kind, text)


def test_the_pattern_looks_at_a_long_text_once() -> None:
    for character in (" ", "a"):  # a square of this length would be minutes
        assert pattern_of(NonBlankText).search(character * 1_000_000 + "\x00") is None

"""Cursors: they hold the exact key, and only the same list of the same owner accepts them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.data.tables.field_types import MAX_ID
from app.core.http.resource.cursors import INVALID_CURSOR, read_cursor, write_cursor
from app.core.http.resource.values import ValueType, value_type_of

TYPES: tuple[Any, ...] = (bool, float, datetime, UUID, str)
KINDS = tuple(kind for kind in map(value_type_of, TYPES) if kind)
CONTEXT = b"alice\0/api/tasks?&sort=title"
KEY = (True, -0.5, datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), UUID(int=7), "ü \U0001f95b", 42)


@given(
    st.tuples(
        st.none() | st.booleans(),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.none() | st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC)),
        st.none() | st.uuids(),
        st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=400),
        st.integers(1, MAX_ID),
    )
)
def test_a_key_is_read_exactly_as_it_was_written(key: tuple[Any, ...]) -> None:
    assert read_cursor(write_cursor(key, KINDS, CONTEXT), KINDS, CONTEXT) == key


def refused(cursor: str, kinds: tuple[ValueType, ...] = KINDS, context: bytes = CONTEXT) -> bool:
    try:
        read_cursor(cursor, kinds, context)
    except ValueError as error:
        return str(error) == INVALID_CURSOR
    return False


def test_a_cursor_with_a_changed_bit_is_refused() -> None:
    cursor = write_cursor(KEY, KINDS, CONTEXT)
    changed = [
        f"{cursor[:place]}{chr(ord(character) ^ 1 << bit)}{cursor[place + 1 :]}"
        for place, character in enumerate(cursor)
        for bit in range(7)
    ]

    assert not refused(cursor)
    assert [each for each in changed if not refused(each)] == []


@pytest.mark.parametrize("change", ["", "A", "=", " ", "\n", "%", "ü", "."])
def test_a_cursor_has_one_spelling(change: str) -> None:
    cursor = write_cursor(KEY, KINDS, CONTEXT)
    assert refused(cursor + change) is bool(change)
    assert refused(change + cursor) is bool(change)
    assert refused(cursor[:-1])
    assert refused(change)


@pytest.mark.parametrize(
    "context", [CONTEXT.replace(b"alice", b"bob"), CONTEXT.replace(b"tasks", b"x"), CONTEXT + b"&a=1"]
)
def test_a_cursor_belongs_to_one_list_of_one_owner(context: bytes) -> None:
    assert refused(write_cursor(KEY, KINDS, CONTEXT), context=context)


def test_a_forged_cursor_holds_valid_values_only() -> None:
    number, text = (kind for kind in map(value_type_of, (int, str)) if kind)
    for value in ("x", "1.0", "", str(2**63)):
        assert refused(write_cursor((value, 1), (text,), CONTEXT), kinds=(number,))
    assert refused(write_cursor(("a", 1), (text,), CONTEXT), kinds=())
    assert refused(write_cursor(("a", 1), (text,), CONTEXT), kinds=(text, text))
    assert refused(write_cursor(("a", None), (text,), CONTEXT), kinds=(text,))
    assert refused(write_cursor(("a\0", 1), (text,), CONTEXT), kinds=(text,))

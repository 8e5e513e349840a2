"""JSON that is parsed by another parser is the same value."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.types.json import JsonbLoader

from app.core.data.connection.json_loading import FastJsonbLoader

fast, plain = FastJsonbLoader(3802), JsonbLoader(3802)
NUMBERS = st.integers() | st.integers(2**63 - 2, 2**64 + 2) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(st.none() | st.booleans() | st.text() | NUMBERS, st.lists)


def is_same(sent: bytes) -> bool:
    return repr(fast.load(sent)) == repr(plain.load(sent))


@given(st.lists(NUMBERS | st.none()) | VALUES)
def test_any_json_is_loaded_as_psycopg_loads_it(value: object) -> None:
    assert is_same(json.dumps(value).encode())


@pytest.mark.parametrize("sent", [b"[1.0]", b"[1, 2.0]", b"[]", b"[1, [2]]", b"12", b'[1, "a"]', b"[1, -1]"])
def test_what_looks_like_a_list_of_integers_is_loaded_as_psycopg_loads_it(sent: bytes) -> None:
    assert is_same(sent)
    assert fast.load(memoryview(sent)) == plain.load(sent)

"""Folds: texts that differ only in case, accents or compatibility have the same fold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.data.tables.folds import fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Buy MILK", "buy milk"),
        ("Äpfel", "apfel"),
        ("A\u030angstro\u0308m", "angstrom"),
        ("Straße", "strasse"),
        ("ﬁt", "fit"),
        ("\uff26\uff55\uff4c\uff4c", "full"),
        ("İstanbul", "istanbul"),
        ("日本", "日本"),
        ("100%_\\", "100%_\\"),
    ],
)
def test_case_accents_and_compatible_characters_are_folded(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_a_fold_is_its_own_fold(text: str) -> None:
    assert fold(fold(text)) == fold(text)

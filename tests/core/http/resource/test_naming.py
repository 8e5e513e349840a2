"""Naming: what a noun of several words, or one that begins with a vowel, is called in the docs."""

import pytest

from app.core.http.resource.naming import Names


@pytest.mark.parametrize(
    ("name", "table", "said"),
    [
        ("Task", "tasks", "a task of tasks"),
        ("LineItem", "line_items", "a line item of line items"),
        ("Invoice", "invoices", "an invoice of invoices"),
    ],
)
def test_a_text_gets_the_names_of_the_noun(name: str, table: str, said: str) -> None:
    assert Names.of(name, table).substitute("{a_noun} of {nouns}") == said


def test_a_text_keeps_its_other_braces() -> None:
    assert (
        Names.of("Task", "tasks").substitute('Send {"title": "x"} to make {a_noun}.')
        == 'Send {"title": "x"} to make a task.'
    )

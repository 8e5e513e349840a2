"""Rows: what a column holds is what is answered, and the document says so of every type that a field can have."""

from typing import Any

import pytest

from tests.library import Library

VALUES: dict[str, list[Any]] = {
    "tags": [[], ["a"], ["a", "b\n", "Ü🥛"]],
    "authors": [None, ["Ann"], ["Ann", "Bo"]],
    "notes": [None, {}, {"a": [1, {"b": None}]}],
    "kind": ["novel", "poems"],
    "cover": [None, "soft"],
    "state": ["as new", "worn"],
    "weight": [0.1, 1e22],
    "rating": [None, 0.0, 5.0],
    "printed": [None, "2024-02-29"],
}


@pytest.mark.parametrize("field", VALUES)
def test_a_value_of_any_type_is_answered_as_it_was_sent(library: Library, field: str) -> None:
    shelf = library.ask("POST", "/api/sample-shelves", {"name": f"for {field}"}).body["id"]
    for value in VALUES[field]:
        body = {"title": "A", "pages": 1, "shelf_id": shelf, field: value}
        created = library.ask("POST", "/api/sample-books", body)

        assert (created.status, created.body[field]) == (201, value)
        assert library.ask("GET", created.headers["location"]).body == created.body


@pytest.mark.any_database
def test_a_row_is_documented_with_the_types_that_are_sent(library: Library) -> None:
    book = library.document()["components"]["schemas"]["SampleBook"]["properties"]

    assert book["tags"] == {"type": "array", "items": {"type": "string"}}
    assert book["kind"] == {"type": "string", "enum": ["novel", "poems"]}
    assert book["shelf_id"]["type"] == "integer"
    assert set(book["cover"]["enum"]) == {"soft", "hard", None}

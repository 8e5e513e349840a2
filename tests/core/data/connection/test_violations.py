"""Violations: on both databases an error names its fields, and reveals nothing about other owners' rows."""

from random import Random
from typing import Any

import pytest

from app.testing.databases import Databases, SqliteDatabases
from tests.library import Answer, Library

NOTHING = 2**62
TAKEN = "Another row already has this value"
MISSING = "The row that this refers to does not exist"


def problem(answer: Answer) -> tuple[int, list[list[str]], list[str]]:
    """Return the status of an answer, and the places and types of its errors."""
    errors = answer.body.get("errors", [])
    return answer.status, [error["loc"] for error in errors], [error["type"] for error in errors]


def shelf(library: Library, name: str, user: str = "alice", **more: Any) -> int:
    answer = library.ask("POST", "/api/sample-shelves", {"name": name, **more}, user)
    assert answer.status == 201, answer.body
    return int(answer.body["id"])


def book(library: Library, user: str = "alice", **more: Any) -> Answer:
    return library.ask("POST", "/api/sample-books", {"title": "A", "pages": 1, **more}, user)


def test_a_unique_violation_is_a_409_that_names_its_field(library: Library) -> None:
    shelf(library, "taken")
    other = shelf(library, "not taken")
    same = {"name": "taken"}

    for method, path in (
        ("POST", "/api/sample-shelves"),
        ("PUT", f"/api/sample-shelves/{other}"),
        ("PATCH", f"/api/sample-shelves/{other}"),
    ):
        answer = library.ask(method, path, same)

        assert problem(answer) == (409, [["body", "name"]], ["unique"])
        assert answer.body["detail"] == f"name: {TAKEN}"
        assert answer.body["errors"][0]["msg"] == TAKEN


def test_each_column_of_a_unique_constraint_is_named(library: Library) -> None:
    shelf(library, "together 1", room="hall", place=1)
    answer = library.ask("POST", "/api/sample-shelves", {"name": "together 2", "room": "hall", "place": 1})

    assert problem(answer) == (409, [["body", "room"], ["body", "place"]], ["unique", "unique"])


def test_a_constraint_with_a_truncated_name_is_found(library: Library) -> None:
    labels = {"label_on_the_left_hand_side": "a", "label_on_the_right_hand_side": "b"}
    shelf(library, "labelled 1", **labels)
    answer = library.ask("POST", "/api/sample-shelves", {"name": "labelled 2", **labels})

    assert problem(answer)[:2] == (409, [["body", label] for label in labels])


def test_a_unique_index_on_an_expression_names_no_field(library: Library) -> None:
    shelf(library, "in code 1", code="x")
    answer = library.ask("POST", "/api/sample-shelves", {"name": "in code 2", "code": "X"})

    assert (answer.status, answer.body) == (409, {"detail": "This conflicts with another row"})


def test_a_value_of_another_owner_does_not_conflict(library: Library) -> None:
    shelf(library, "of everybody", user="bob")

    assert shelf(library, "of everybody", user="carol")


@pytest.mark.parametrize("column", ["shelf_id", "lent_to_id", "sequel_of_id"])
def test_a_reference_to_a_missing_row_is_a_422_that_names_it(library: Library, column: str) -> None:
    mine = shelf(library, f"for {column}")
    wrong: dict[str, Any] = {"shelf_id": mine, column: NOTHING}
    answer = book(library, **wrong)
    stored = book(library, shelf_id=mine).body["id"]
    changed = library.ask("PATCH", f"/api/sample-books/{stored}", {column: NOTHING})

    for found in (answer, changed):
        assert problem(found) == (422, [["body", column]], ["reference"])
        assert found.body["detail"] == f"{column}: {MISSING}"


def test_several_references_to_missing_rows_are_a_422_that_names_one_at_least(library: Library) -> None:
    status, named, types = problem(book(library, shelf_id=NOTHING, lent_to_id=NOTHING))

    assert (status, set(types)) == (422, {"reference"})
    assert named
    assert all(place in (["body", "shelf_id"], ["body", "lent_to_id"]) for place in named)


def test_a_reference_to_another_owners_row_is_answered_like_one_to_a_missing_row(library: Library) -> None:
    theirs = shelf(library, "of bob", user="bob")

    there, nowhere = book(library, shelf_id=theirs), book(library, shelf_id=NOTHING)
    assert (there.status, there.body) == (nowhere.status, nowhere.body)
    assert problem(there) == (422, [["body", "shelf_id"]], ["reference"])


def test_deleting_a_referenced_row_is_a_409_without_a_field(library: Library) -> None:
    mine = shelf(library, "in use")
    book(library, shelf_id=mine)
    answer = library.ask("DELETE", f"/api/sample-shelves/{mine}")

    assert (answer.status, answer.body) == (409, {"detail": "Other rows still refer to this one"})


def test_a_cascade_that_reaches_a_referenced_row_is_a_409(library: Library) -> None:
    building = library.ask("POST", "/api/sample-buildings", {"name": "A"}).body["id"]
    book(library, shelf_id=shelf(library, "in the building", building_id=building))

    assert library.ask("DELETE", f"/api/sample-buildings/{building}").status == 409


def test_a_value_that_is_too_long_for_an_index_is_no_500(library: Library, databases: Databases) -> None:
    # A unique expression of its own, whose size the frame does not check. PostgreSQL compresses, so it is random.
    numbers = Random(1)  # noqa: S311  # repeatable, not secret
    code = "".join(chr(numbers.randrange(0x20000, 0x2A000)) for _ in range(5000))

    answer = library.ask("POST", "/api/sample-shelves", {"name": "long", "code": code})

    assert (answer.status == 201) is isinstance(databases, SqliteDatabases)
    if answer.status != 201:
        assert problem(answer) == (422, [["body"]], ["value_error"])
        assert answer.body["detail"] == "body: The database cannot store a value of this body"

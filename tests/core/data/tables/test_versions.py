"""States: a row of any kind of column is in another state when it was changed, and in the same when it was not."""

from datetime import datetime
from typing import Any, Final

import pytest

from tests.library import Library

BOOK: Final[dict[str, Any]] = {
    "title": "A",
    "summary": "short",
    "pages": 2**53 - 1,
    "rating": 4.5,
    "weight": 0.1,
    "printed": "1999-12-31",
    "lent_at": "2026-02-28T12:00:00.123456Z",
    "isbn": "12345678-1234-5678-1234-567812345678",
    "is_signed": True,
    "state": "worn",
    "kind": "poems",
    "cover": "hard",
    "tags": ["a", "b"],
    "authors": ["x"],
    "notes": {"a": [1, None, {"b": "c"}]},
}
OTHER: Final[dict[str, Any]] = {
    "title": "a",
    "summary": None,
    "pages": 1,
    "rating": None,
    "weight": 0.2,
    "printed": "2000-01-01",
    "lent_at": "2026-02-28T12:00:00.123457Z",
    "isbn": None,
    "is_signed": False,
    "state": "as new",
    "kind": "novel",
    "cover": None,
    "tags": ["b", "a"],
    "authors": None,
    "notes": {"a": [1, None, {"b": "d"}]},
}


@pytest.mark.parametrize("first", [BOOK, OTHER], ids=["values", "nulls"])
def test_only_a_change_is_a_change(library: Library, first: dict[str, Any]) -> None:
    shelf = library.ask("POST", "/api/sample-shelves", {"name": f"for {first['title']}"}).body["id"]
    row = library.ask("POST", "/api/sample-books", {**first, "shelf_id": shelf}).body
    path = f"/api/sample-books/{row['id']}"

    assert library.ask("PATCH", path, {**first, "shelf_id": shelf}).body == row
    for name in first:
        assert library.ask("PATCH", path, {name: row[name]}).body == row
        other = (OTHER if first is BOOK else BOOK)[name]
        changed = library.ask("PATCH", path, {name: other}).body
        assert changed == {**row, name: other, "updated_at": changed["updated_at"]}
        assert datetime.fromisoformat(changed["updated_at"]) > datetime.fromisoformat(row["updated_at"])
        row = changed


def test_a_row_that_does_not_know_when_it_changed_is_in_no_state_that_anybody_has_seen(library: Library) -> None:
    created = library.ask("POST", "/api/sample-buildings", {"name": "house"})
    path = f"/api/sample-buildings/{created.body['id']}"
    seen = {"If-Match": '"2026-02-28T12:00:00Z"'}

    assert "etag" not in created.headers
    assert library.ask("PATCH", path, {"name": "barn"}, headers=seen).status == 412
    assert library.ask("PATCH", path, {}, headers=seen).status == 412
    assert library.ask("DELETE", path, headers=seen).status == 412
    assert library.ask("DELETE", f"{path}0", headers=seen).status == 404
    assert library.ask("GET", path).body == created.body
    assert library.ask("PATCH", path, {"name": "barn"}).body == {**created.body, "name": "barn"}
    assert library.ask("PATCH", path, {"name": "barn"}, headers=seen).status == 200  # it was made already
    assert library.ask("DELETE", path, headers={"If-Match": "*"}).status == 204

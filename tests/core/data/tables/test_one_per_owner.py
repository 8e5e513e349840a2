"""`one_per_owner()`: a second row of an owner is a 409 that says so, and other owners do not matter."""

from typing import Any

from tests.library import Library

PATH = "/api/sample-profiles"


def test_a_second_row_of_an_owner_is_a_409(items: Library) -> None:
    first = items.ask("POST", PATH, {"name": "me"}, "ann")
    second = items.ask("POST", PATH, {"name": "me"}, "ann")

    assert (first.status, second.status) == (201, 409)
    assert second.body == {"detail": "You have one already; change it, or delete it first"}
    assert items.ask("POST", PATH, {"name": "me"}, "bob").status == 201
    assert items.ask("PATCH", first.headers["location"], {"name": "I"}, "ann").status == 200
    assert items.ask("DELETE", first.headers["location"], None, "ann").status == 204
    assert items.ask("POST", PATH, {"name": "me"}, "ann").status == 201


def test_the_409_is_documented_for_post_alone(items: Library) -> None:
    paths: Any = items.document()["paths"]

    conflict = paths[PATH]["post"]["responses"]["409"]
    assert conflict["description"] == "You have a row already, and an owner has one at most."
    assert "You have one already" in str(conflict["content"])
    assert "409" not in paths[f"{PATH}/{{id}}"]["patch"]["responses"]

"""In a cycle of references a deletion has the same fates as elsewhere: refused, clearing, or taking rows along."""

from typing import Any

from tests.core.data.conftest import Site


def made(site: Site, path: str, user: str = "alice", **values: Any) -> int:
    answer = site.library.ask("POST", f"/api/{path}", {"name": "n", **values}, user)
    assert answer.status == 201, answer.body
    return int(answer.body["id"])


def changed(site: Site, path: str, row_id: int, **values: Any) -> None:
    assert site.library.ask("PATCH", f"/api/{path}/{row_id}", values).status == 200


def left(site: Site, path: str, row_id: int) -> Any:
    """The row, or None if there is none."""
    answer = site.library.ask("GET", f"/api/{path}/{row_id}")
    return answer.body if answer.status == 200 else None


def deleted(site: Site, path: str, row_id: int) -> int:
    return site.library.ask("DELETE", f"/api/{path}/{row_id}").status


def test_in_a_cycle_a_deletion_is_refused_or_clears(site: Site) -> None:
    team = made(site, "teams")
    player = made(site, "players", team_id=team)
    changed(site, "teams", team, captain_id=player)

    assert deleted(site, "teams", team) == 409
    assert deleted(site, "players", player) == 204
    assert left(site, "teams", team)["captain_id"] is None
    assert deleted(site, "teams", team) == 204


def test_in_a_cycle_a_deletion_takes_along_what_leads_back(site: Site) -> None:
    first = made(site, "keys")
    lock = made(site, "locks", key_id=first)
    second = made(site, "keys", lock_id=lock)
    other = made(site, "keys")
    changed(site, "keys", first, lock_id=lock)

    assert deleted(site, "locks", lock) == 204
    assert [left(site, "keys", row_id) for row_id in (first, second)] == [None, None]
    assert left(site, "keys", other) is not None


def test_a_cycle_of_three_is_refused_where_something_is_kept(site: Site) -> None:
    continent = made(site, "continents")
    country = made(site, "countries", continent_id=continent)
    city = made(site, "cities", country_id=country)
    changed(site, "continents", continent, largest_city_id=city)

    assert [deleted(site, *row) for row in (("cities", city), ("countries", country))] == [409, 409]
    assert deleted(site, "continents", continent) == 409
    changed(site, "continents", continent, largest_city_id=None)
    assert [deleted(site, *row) for row in (("cities", city), ("continents", continent))] == [204, 204]
    assert left(site, "countries", country) is None


def test_a_row_that_refers_to_itself_can_go(site: Site) -> None:
    folder, other = made(site, "folders"), made(site, "folders")
    changed(site, "folders", folder, parent_id=folder, shortcut_id=folder)
    changed(site, "folders", other, shortcut_id=folder)

    assert deleted(site, "folders", folder) == 204
    assert left(site, "folders", other)["shortcut_id"] is None
    parent = made(site, "folders")
    changed(site, "folders", other, parent_id=parent)
    assert deleted(site, "folders", parent) == 409

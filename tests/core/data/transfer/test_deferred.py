"""Nouns that refer to each other, or to themselves: they are seeded, dumped, loaded and erased like any others."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from app.core.data.connection.engine import database_url
from app.core.data.schema.engines import migration_engine
from tests.core.data.conftest import Site

REFERENCES: Final = {
    "sample_players": {"team_id": "sample_teams", "folder_id": "sample_folders"},
    "sample_teams": {"captain_id": "sample_players"},
    "sample_cities": {"country_id": "sample_countries"},
    "sample_countries": {"continent_id": "sample_continents"},
    "sample_continents": {"largest_city_id": "sample_cities"},
    "sample_keys": {"lock_id": "sample_locks"},
    "sample_locks": {"key_id": "sample_keys"},
    "sample_folders": {"parent_id": "sample_folders", "shortcut_id": "sample_folders"},
}


def rows_in(dump: str) -> list[tuple[str, dict[str, Any]]]:
    return [(found["table"], found["row"]) for found in map(json.loads, dump.splitlines())]


def seeded(site: Site, users: int = 2) -> str:
    url = site.fresh()
    site.run(url, "seed", "--users", str(users), "--per-user", "20", "--seed", "7")
    return url


def line(table: str, row_id: int, **values: Any) -> str:
    row = {"id": row_id, "user_id": "alice", "name": "n", **values}
    if table not in ("sample_keys", "sample_locks"):
        row |= dict.fromkeys(("created_at", "updated_at"), "2026-01-02T03:04:05Z")
    return json.dumps({"table": table, "row": row}, separators=(",", ":"))


def test_seeded_rows_refer_both_ways_and_to_rows_of_the_same_user(site: Site) -> None:
    rows = rows_in(site.dump(seeded(site)))
    owners = {(table, row["id"]): row["user_id"] for table, row in rows}

    for table, columns in REFERENCES.items():
        assert Counter(row["user_id"] for name, row in rows if name == table) == {"user1": 20, "user2": 20}
        for column, target in columns.items():
            named = [(row[column], row["user_id"]) for name, row in rows if name == table and row[column]]
            assert len({row_id for row_id, _ in named}) > 8
            assert [owners[target, row_id] for row_id, _ in named] == [user for _, user in named]


def test_what_was_seeded_is_dumped_and_loaded_and_every_byte_stays(
    sqlite_site: Site, postgres_site: Site, tmp_path: Path
) -> None:
    dump = sqlite_site.dump(seeded(sqlite_site))

    assert postgres_site.dump(seeded(postgres_site)) == dump
    assert sqlite_site.dump(sqlite_site.load(dump, tmp_path)) == dump
    there = postgres_site.dump(postgres_site.load(dump, tmp_path))
    assert there == dump
    assert sqlite_site.dump(sqlite_site.load(there, tmp_path)) == dump


def test_rows_that_refer_to_later_ones_are_loaded_in_whatever_order_they_come(site: Site, tmp_path: Path) -> None:
    lines = [
        line("sample_folders", 1, parent_id=3, shortcut_id=2),
        line("sample_folders", 2, parent_id=2, shortcut_id=2),
        line("sample_folders", 3, parent_id=None, shortcut_id=1),
        line("sample_locks", 5, key_id=6),
        line("sample_keys", 6, lock_id=5),
        line("sample_teams", 1, captain_id=9),
        line("sample_players", 9, team_id=1, folder_id=2),
    ]

    dump = site.dump(site.load("\n".join(lines), tmp_path))

    assert sorted(rows_in(dump), key=str) == sorted(rows_in("\n".join(lines)), key=str)


def test_a_reference_to_nothing_is_refused_and_nothing_stays(site: Site, tmp_path: Path) -> None:
    url, path = site.fresh(), tmp_path / "dump.jsonl"
    path.write_text(
        "\n".join([line("sample_teams", 1, captain_id=9), line("sample_players", 8, team_id=1, folder_id=None)])
    )

    said = site.call(url, "loaddata", str(path))

    assert (said.exit_code, said.stdout) == (1, "")
    assert said.stderr.startswith("Error: the database refused a statement: ")
    assert said.stderr.count("\n") == 1
    assert site.dump(url) == ""


def test_loading_and_seeding_leave_the_keys_as_they_were(postgres_site: Site, tmp_path: Path) -> None:
    def keys(url: str) -> Sequence[Any]:
        triggers = "SELECT tgrelid::regclass, tgfoid::regproc, tgdeferrable, tginitdeferred FROM pg_trigger"
        constraints = "SELECT conname, condeferrable, condeferred, convalidated FROM pg_constraint"
        with migration_engine(database_url(url)).connect() as connection:
            return [sorted(map(str, connection.exec_driver_sql(query))) for query in (triggers, constraints)]

    before = keys(postgres_site.fresh())

    assert keys(postgres_site.load(postgres_site.dump(seeded(postgres_site)), tmp_path)) == before
    assert keys(seeded(postgres_site)) == before


def test_erasing_takes_all_of_a_person_and_nothing_of_others(site: Site) -> None:
    url = seeded(site)
    before = rows_in(site.dump(url))

    said = site.run(url, "user", "erase", "user1", "--yes")

    erased = dict(line.removesuffix(" erased").split(": ") for line in said.splitlines())
    assert erased == dict.fromkeys({table for table, _ in before}, "20")
    assert rows_in(site.dump(url)) == [(table, row) for table, row in before if row["user_id"] != "user1"]


def test_an_export_is_what_a_dump_says_of_the_person(site: Site) -> None:
    url = seeded(site)

    dump = [line for line in site.dump(url).splitlines() if '"user_id":"user2"' in line]

    assert site.run(url, "user", "export", "user2").splitlines() == dump

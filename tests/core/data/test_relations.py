"""Relations: rows with the rows to which they refer, and with the numbers of rows that refer to them."""

from typing import Any

import pytest

from tests.core.data.conftest import Site
from tests.library import Library

ALL = "labels,notes,main"


@pytest.fixture(scope="session")
def served(linked_site: Site) -> Library:
    """The application on a database where alice and bob have three labels each, and notes with and without them."""
    library = linked_site.serve(linked_site.databases.fresh())
    for user in ("bob", "alice"):
        labels = [create(library, "labels", user, name=name)["id"] for name in "abc"]
        first = create(library, "notes", user, name="first", label_ids=labels[:2], main_id=labels[2])
        second = create(library, "notes", user, name="second", label_ids=labels[1:], note_ids=[first["id"]])
        create(library, "notes", user, name="third", note_ids=[first["id"], second["id"]])
    return library


def create(library: Library, noun: str, user: str = "alice", after: str = "", **body: object) -> dict[str, Any]:
    answer = library.ask("POST", f"/api/{noun}{after}", body, user)
    assert answer.status == 201, answer.body
    return dict(answer.body)


def rows(library: Library, path: str, user: str = "alice") -> list[dict[str, Any]]:
    answer = library.ask("GET", path, user=user)
    assert answer.status == 200, answer.body
    return list(answer.body)


def by_id(library: Library, noun: str, user: str = "alice") -> dict[int, dict[str, Any]]:
    return {row["id"]: row for row in rows(library, f"/api/{noun}", user)}


@pytest.mark.slow
def test_the_rules_about_relations_and_filters_hold(linked_site: Site) -> None:
    library = linked_site.serve(linked_site.databases.fresh())

    assert library.broken_rules("relations") + library.broken_rules("filters") == []


@pytest.mark.parametrize("user", ["alice", "bob"])
@pytest.mark.parametrize("query", ["", "&sort=-id", "&limit=2", "&counts=sample_notes", "&fields=name"])
def test_a_list_has_the_rows_to_which_its_rows_refer(served: Library, user: str, query: str) -> None:
    labels, notes = by_id(served, "labels", user), by_id(served, "notes", user)
    found = rows(served, f"/api/notes?expand={ALL}{query}", user)

    assert [row["id"] for row in found] == [row["id"] for row in rows(served, f"/api/notes?expand=main{query}", user)]
    for row in found:
        own = notes[row["id"]]
        assert row["labels"] == [labels[each] for each in own["label_ids"]]
        assert row["notes"] == [notes[each] for each in own["note_ids"]]
        assert row["main"] == (labels[own["main_id"]] if own["main_id"] else None)
        assert ("label_ids" in row) is ("fields" not in query)


def test_without_expand_a_row_has_no_relation(served: Library) -> None:
    for path in ("/api/notes?fields=id,name", "/api/notes?counts=sample_notes"):
        for row in rows(served, path):
            assert not row.keys() & {"labels", "notes", "main"}


def test_pages_with_relations_lead_to_each_other_and_have_a_total(served: Library) -> None:
    answer = served.ask("GET", "/api/notes?limit=1&expand=main&sort=-id", headers={"Prefer": "count=exact"})
    beyond = served.ask("GET", "/api/notes?offset=99&expand=main", headers={"Prefer": "count=exact"})

    assert "expand=main" in answer.headers["link"]
    assert (len(answer.body), answer.headers["x-total-count"]) == (1, "3")
    assert (beyond.body, beyond.headers["x-total-count"]) == ([], "3")


def test_an_empty_list_is_empty_with_relations(served: Library) -> None:
    assert rows(served, f"/api/notes?expand={ALL}&counts=sample_notes", "carol") == []


def test_rows_and_the_answers_to_writes_have_relations(served: Library) -> None:
    label = create(served, "labels", name="of writes")
    note = create(served, "notes", name="written", after=f"?expand={ALL}", main_id=label["id"])
    path = f"/api/notes/{note['id']}"
    assert (note["main"], note["labels"]) == (label, [])
    try:
        changed = served.ask("PATCH", f"{path}?expand=labels", {"label_ids": [label["id"]]})
        assert changed.body["labels"] == [label]
        assert changed.headers["etag"] == f'"{changed.body["updated_at"]}"'
        assert served.ask("PUT", f"{path}?expand=labels", {}).body == changed.body
        assert served.ask("GET", f"{path}?expand=labels").body == changed.body
        one = served.ask("GET", f"{path}?expand=main&counts=sample_notes&fields=name").body
        assert one == {"id": note["id"], "name": "written", "main": label, "counts": {"sample_notes": 0}}
        assert (
            served.ask("POST", f"{path}/empty?expand=labels,main").body.items() >= {"labels": [], "main": None}.items()
        )
        assert served.ask("GET", f"{path}?expand=main", user="bob").status == 404
        assert served.ask("GET", "/api/notes/0?expand=main").status == 404
    finally:
        served.ask("DELETE", path)


def test_counts_are_of_one_column_each(served: Library) -> None:
    labels = rows(served, "/api/labels?counts=sample_notes.main_id,sample_notes.label_ids&limit=3")
    notes = rows(served, "/api/notes?counts=sample_notes&limit=3")

    assert [[*label["counts"].items()] for label in labels] == [
        [("sample_notes.label_ids", number), ("sample_notes.main_id", main)]
        for number, main in ((1, 0), (2, 0), (1, 1))
    ]
    assert [note["counts"] for note in notes] == [{"sample_notes": number} for number in (2, 1, 0)]


@pytest.mark.parametrize(
    ("query", "name", "said"),
    [
        ("expand=name", "expand", "Choose from labels, notes, main"),
        ("expand=", "expand", "Choose from labels, notes, main"),
        ("expand=main,main", "expand", "Send each name only once"),
        ("expand=main&expand=labels", "expand", "Send this parameter only once"),
        ("counts=sample_labels", "counts", "Choose from sample_notes"),
        ("expand=labels&limit=500", "limit", "Send at most 157 with this expand"),
        ("label_ids__contains=x", "label_ids__contains", "Send an integer"),
        ("label_ids__contains=", "label_ids__contains", "Send an integer"),
        ("label_ids=1", "label_ids", "Unknown query parameter"),
    ],
)
def test_what_is_not_offered_is_a_422_that_names_it(served: Library, query: str, name: str, said: str) -> None:
    answer = served.ask("GET", f"/api/notes?{query}")

    assert (answer.status, answer.body["errors"][0]["loc"]) == (422, ["query", name])
    assert answer.body["errors"][0]["msg"].startswith(said)


def test_a_write_with_an_unknown_relation_writes_nothing(served: Library) -> None:
    before = rows(served, "/api/notes")

    assert served.ask("POST", "/api/notes?expand=name", {"name": "never"}).status == 422
    assert served.ask("POST", "/api/notes?counts=sample_notes", {"name": "never"}).status == 422
    assert rows(served, "/api/notes") == before


@pytest.mark.parametrize("chosen", ["a", "b", "c", "ab", "bc", "abc", ""])
def test_contains_finds_the_rows_with_all_of_the_ids(served: Library, chosen: str) -> None:
    ids = {row["name"]: row["id"] for row in rows(served, "/api/labels?limit=3")}
    query = "&".join(f"label_ids__contains={ids[name]}" for name in chosen)
    found = rows(served, f"/api/notes?{query}&sort=-id")

    wanted = {ids[name] for name in chosen}
    every = rows(served, "/api/notes?sort=-id")
    assert found == [row for row in every if wanted <= set(row["label_ids"])]
    assert rows(served, f"/api/notes?{query}", "bob") == ([] if chosen else rows(served, "/api/notes", "bob"))


def test_the_document_has_the_relations_as_optional_properties(served: Library) -> None:
    document = served.document()
    note = document["components"]["schemas"]["SampleNote"]
    label = {"$ref": "#/components/schemas/SampleLabel"}

    assert note["properties"]["labels"]["items"] == label
    assert note["properties"]["main"]["anyOf"] == [label, {"type": "null"}]
    assert note["properties"]["counts"]["properties"]["sample_notes"]["minimum"] == 0
    assert not {"labels", "notes", "main", "counts"} & {*note["required"]}
    listed, created = (
        {each["name"] for each in document["paths"]["/api/notes"][method]["parameters"]} for method in ("get", "post")
    )
    assert listed > {"expand", "counts", "label_ids__contains"}
    assert created == {"expand"}

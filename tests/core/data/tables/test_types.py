"""Every type crosses JSON, both databases and a dump unchanged, and both databases answer with the same bytes."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.data.conftest import Site
from tests.library import Library

NEW = {"priority": "low", "price": "1.5", "email": "ann@example.com"}
RANKED = st.sampled_from(["low", "normal", "it's high"])
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
FLOATS = st.floats(-(2**53) + 1, 2**53 - 1, allow_nan=False)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | FLOATS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)

EMAILS = ["ann", "ann@example.com ", "Ann <ann@example.com>", f"{'a' * 40}@example.com"]
LISTS: list[Any] = ["a", ["a\0"], ["x" * 2**14], None, {}]
ANYTHING: list[Any] = [None, 2**53, -(2**53), 1e300, [{"a\0": 1}], {"a": "\0"}]


def decimals(scale: int, least: int, most: int) -> st.SearchStrategy[str]:
    numbers = st.integers(least * 10**scale, most * 10**scale)
    return numbers.map(lambda number: str(Decimal(number).scaleb(-scale)))


ITEMS = st.fixed_dictionaries(
    {"priority": RANKED, "price": decimals(2, 0, 10**16 - 1), "email": st.just("ann@example.com")},
    optional={
        "before": st.none() | RANKED,
        "weight": st.none() | decimals(6, -1000, 1000),
        "pieces": decimals(0, -(10**18) + 1, 10**18 - 1),
        "tags": st.lists(TEXTS, max_size=4),
        "place": st.none() | st.fixed_dictionaries({"street": st.just("Elm"), "floor": st.integers(-9, 9)}),
        "extra": st.none() | st.dictionaries(TEXTS, JSONS, max_size=4),
        "anything": JSONS.filter(lambda value: value is not None),
        "page": st.sampled_from([None, "http://x", "HTTPS://Example.com/%C3%A4?b=ü#c"]),
    },
)


def written(text: str) -> Any:
    """The row as it is written: the order of its keys, and the digits of its numbers."""
    row = json.loads(text, parse_int=str, parse_float=str, object_pairs_hook=list)
    return [pair for pair in row if pair[0] not in {"id", "created_at", "updated_at"}]


def is_kept(sites: list[Site], item: dict[str, Any]) -> None:
    """Assert that both databases answer an item as it was sent, with the same bytes."""
    answers = [site.library.ask_text("POST", "/api/sample-items", item) for site in sites]

    assert [status for status, _ in answers] == [201, 201], answers
    assert written(answers[0][1]) == written(answers[1][1])
    row = json.loads(answers[0][1])
    assert {name: row[name] for name in item} == item
    path = f"/api/sample-items/{row['id']}"
    assert sites[0].library.ask_text("GET", path)[1] == answers[0][1]
    assert sites[0].library.ask_text("PATCH", path, item)[1] == answers[0][1]  # it has these values


@pytest.mark.slow
@given(ITEMS)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_value_comes_out_as_it_went_in_with_the_same_bytes(sites: list[Site], item: dict[str, Any]) -> None:
    is_kept(sites, item)


@pytest.mark.parametrize(
    "values",
    [
        {"price": "9999999999999999.99", "weight": "-0.000001", "pieces": "-999999999999999999"},
        {"anything": [0.1, 1e-7, 5e-324, -1.5, 2**53 - 1, "Ü🥛\u2028", {"b": 1, "a": 2, "aa": [], "é": {}}]},
        {"tags": ["b", "a", "b"], "place": {"street": "Elm", "floor": 3}, "extra": {"": None, "\x7f": "\x1f"}},
        {"before": "it's high", "page": "HTTPS://Example.com/%C3%A4?b=ü#c"},
    ],
)
def test_a_value_comes_out_as_it_went_in_with_the_same_bytes(sites: list[Site], values: dict[str, Any]) -> None:
    is_kept(sites, {"priority": "normal", "price": "1.50", "email": "ann@example.com"} | values)


def test_a_dump_has_what_a_person_reads_and_is_the_same_from_both_databases(sites: list[Site], tmp_path: Any) -> None:
    sqlite, postgres = sites
    body = NEW | {"tags": ["b"], "extra": {"bb": 1.0, "a": [0.1, -0.0]}, "weight": "0.000001"}
    sqlite.library.ask("POST", "/api/sample-items", body)
    url = sqlite.fresh()
    sqlite.run(url, "seed", "--users", "2", "--per-user", "9", "--seed", "1")
    dump = sqlite.dump(url)

    there = postgres.load(dump, tmp_path)
    assert postgres.dump(there) == dump
    assert sqlite.dump(sqlite.load(dump, tmp_path)) == dump
    rows = [json.loads(line)["row"] for line in dump.splitlines() if '"sample_items"' in line]
    assert len(rows) == 18
    assert {row["priority"] for row in rows} <= {"low", "normal", "it's high"}
    assert all(isinstance(row["price"], str) and row["price"][-3] == "." for row in rows)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"priority": "lowest"}, "Invalid enum value 'lowest' - at `$.priority`"),
        ({"priority": 10}, "Expected `str`, got `int` - at `$.priority`"),
        ({"price": "1.5"}, "matching regex"),
        ({"price": 1.5}, "Expected `str`, got `float` - at `$.price`"),
        ({"price": None}, "Expected `str`, got `null`"),
        ({"extra": {"a": "\0"}}, "Input should not contain NUL"),
        ({"extra": {"a": 2**53}}, "Input should have numbers from"),
    ],
)
def test_a_dump_with_a_wrong_value_is_refused(sites: list[Site], change: Any, said: str, tmp_path: Any) -> None:
    site = sites[1]
    url = site.fresh()
    site.run(url, "seed", "--users", "1", "--per-user", "1")
    lines = [json.loads(line) for line in site.dump(url).splitlines()]
    (line,) = (line for line in lines if line["table"] == "sample_items")
    line["row"] |= change
    (tmp_path / "dump.jsonl").write_text(json.dumps(line) + "\n")

    refused = site.call(site.fresh(), "loaddata", str(tmp_path / "dump.jsonl"))
    assert refused.exit_code == 1
    assert said in refused.stderr


def test_a_related_item_has_its_values_in_the_form_of_any_row(items: Library) -> None:
    assert items.broken_rules("relations") == []


@pytest.mark.slow
def test_items_keep_the_contract(items: Library) -> None:
    assert items.broken_rules() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("price", value) for value in (1, 1.5, "1.234", "1e2", "NaN", "-0.01", "", "1.5\n", "\u0661", "9" * 17)),
        *(("weight", value) for value in ("1000.000001", "-1000.6", "0.0000001")),
        *(("tags", value) for value in LISTS),
        *(("anything", value) for value in ANYTHING),
        *(("email", value) for value in EMAILS),
        *(("page", value) for value in ("example.com", "ftp://example.com", "http://a b", "javascript:alert(1)")),
        ("priority", "lowest"),
        ("priority", 10),
    ],
)
def test_what_a_type_cannot_hold_is_a_422_that_names_the_field(items: Library, field: str, value: Any) -> None:
    answer = items.ask("POST", "/api/sample-items", NEW | {field: value})

    assert answer.status == 422
    assert {error["loc"][1] for error in answer.body["errors"]} == {field}


def test_json_is_at_most_20_levels_deep(items: Library) -> None:
    def nested(depth: int) -> Any:
        return [nested(depth - 1)] if depth else 1

    statuses = [
        items.ask("POST", "/api/sample-items", NEW | {"anything": nested(depth)}).status for depth in (20, 21, 150)
    ]
    assert statuses == [201, 422, 422]


def test_values_are_stored_in_one_form(items: Library) -> None:
    body = NEW | {"price": "007"[2:], "email": "Ann@EXAMPLE.com", "anything": {"bb": 1.0, "c": 1e2, "a": -0.0}}
    row = items.ask("POST", "/api/sample-items", body).body

    assert (row["price"], row["email"]) == ("7.00", "Ann@example.com")
    assert json.dumps(row["anything"]) == '{"a": 0, "c": 100, "bb": 1}'

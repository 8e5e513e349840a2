"""Tables that refer to each other have an order, which one optional reference of each cycle does not follow."""

import pytest
from sqlalchemy import MetaData

from app.core.data.tables.cycles import components, cycle_breaking_keys, impossible_rows, sorted_tables
from tests.parts.tables import Columns, tables


def ahead(metadata: MetaData) -> set[str]:
    """The keys that the order of tables does not follow."""
    return {str(key.name) for key in cycle_breaking_keys(metadata.tables)}


def names(metadata: MetaData) -> list[str]:
    """The tables in order."""
    return [table.name for table in sorted_tables(metadata.tables)]


def test_without_a_cycle_every_reference_leads_back() -> None:
    made = tables(("a", {"b_id": "b?", "c_id": "c"}), ("b", {"c_id": "c??"}), ("c", {}))

    assert ahead(made) == set()
    assert names(made) == ["c", "b", "a"]


def test_a_table_that_refers_to_itself_is_in_no_cycle() -> None:
    made = tables(("a", {"parent_id": "a?", "next_id": "a??"}))

    assert ahead(made) == set()
    assert names(made) == ["a"]


@pytest.mark.parametrize(
    ("there", "back", "expected"),
    [
        pytest.param("b", "a?", "fk_b_a_id", id="required, optional"),
        pytest.param("b?", "a", "fk_a_b_id", id="optional, required"),
        pytest.param("b", "a??", "fk_b_a_id", id="required, cleared"),
        pytest.param("b??", "a?", "fk_a_b_id", id="cleared, optional"),
        pytest.param("b?", "a??", "fk_b_a_id", id="optional, cleared"),
        pytest.param("b?", "a?", "fk_a_b_id", id="alike: by name"),
        pytest.param("b", "a", "fk_a_b_id", id="required: by name"),
    ],
)
def test_the_loosest_reference_leads_ahead_in_whatever_order_tables_are_made(
    there: str, back: str, expected: str
) -> None:
    a, b = ("a", {"b_id": there}), ("b", {"a_id": back})

    for made in (tables(a, b), tables(b, a)):
        assert ahead(made) == {expected}
        assert names(made) == (["a", "b"] if expected == "fk_a_b_id" else ["b", "a"])


def test_tables_before_and_behind_a_cycle_keep_their_places() -> None:
    made = tables(
        ("a_behind", {"two_id": "two?", "four_id": "four"}),
        ("two", {"three_id": "three"}),
        ("three", {"four_id": "four"}),
        ("four", {"two_id": "two?", "z_id": "z_before?"}),
        ("z_before", {}),
    )

    assert ahead(made) == {"fk_four_two_id"}
    assert names(made) == ["z_before", "four", "three", "two", "a_behind"]


def test_all_keys_between_two_tables_lead_ahead_or_none() -> None:
    mixed = tables(("a", {"first_id": "b?", "second_id": "b"}), ("b", {"a_id": "a?"}))
    both = tables(("a", {"first_id": "b?", "second_id": "b?"}), ("b", {"a_id": "a"}))

    assert ahead(mixed) == {"fk_b_a_id"}
    assert ahead(both) == {"fk_a_first_id", "fk_a_second_id"}


def test_each_of_several_cycles_is_opened() -> None:
    made = tables(
        ("a", {"b_id": "b?", "c_id": "c?"}),
        ("b", {"a_id": "a"}),
        ("c", {"a_id": "a", "d_id": "d"}),
        ("d", {"c_id": "c?"}),
    )

    assert ahead(made) == {"fk_a_b_id", "fk_a_c_id", "fk_d_c_id"}
    assert names(made) == ["a", "b", "d", "c"] or names(made) == ["a", "d", "b", "c"]


def test_the_tables_of_a_cycle_and_no_others_are_together() -> None:
    made = tables(
        ("a", {"m_id": "m?"}),
        ("b", {"b_id": "b?"}),
        ("m", {"z_id": "z?", "b_id": "b", "x_id": "x?"}),
        ("n", {"x_id": "x", "m_id": "m"}),
        ("x", {"y_id": "y?"}),
        ("y", {"x_id": "x?"}),
        ("z", {"a_id": "a?", "c_id": "c"}),
        ("c", {}),
    )
    groups = [{table.name for table in group} for group in components(sorted_tables(made.tables))]

    assert sorted(map(sorted, groups)) == [["a", "m", "z"], ["b"], ["c"], ["n"], ["x", "y"]]
    places = {name: place for place, group in enumerate(groups) for name in group}
    for table in made.tables.values():
        assert all(places[key.referred_table.name] <= places[table.name] for key in table.foreign_key_constraints)


@pytest.mark.parametrize(
    ("described", "columns"),
    [
        pytest.param([("a", {"b_id": "b"}), ("b", {"a_id": "a"})], ["a.b_id, b.a_id"], id="two"),
        pytest.param(
            [("a", {"b_id": "b"}), ("b", {"c_id": "c"}), ("c", {"a_id": "a"})], ["a.b_id, b.c_id, c.a_id"], id="three"
        ),
        pytest.param([("a", {"parent_id": "a"})], ["a.parent_id"], id="itself"),
        pytest.param([("a", {"b_id": "b?", "more_id": "b"}), ("b", {"a_id": "a"})], ["a.more_id, b.a_id"], id="beside"),
        pytest.param([("a", {"b_id": "b"}), ("b", {"a_id": "a?"})], [], id="one is optional"),
        pytest.param([("a", {"parent_id": "a?"})], [], id="itself or nothing"),
        pytest.param([("a", {"b_id": "b"}), ("b", {})], [], id="no cycle"),
        pytest.param(
            [("a", {"a_id": "a"}), ("b", {"b_id": "b", "a_id": "a"})], ["a.a_id", "b.b_id"], id="two by themselves"
        ),
    ],
)
def test_references_that_are_all_required_let_nothing_be_the_first(
    described: list[tuple[str, Columns]], columns: list[str]
) -> None:
    found = list(impossible_rows(tables(*described).tables))

    assert found == [f"No row can be the first one, because each needs another: {each}." for each in columns]

"""Figures of further types: exact decimals and ranked choices, and both databases answer with the same bytes."""

from decimal import Decimal
from random import Random
from typing import Any

from tests.core.data.conftest import Site
from tests.library import Library

ITEMS = "/api/sample-items"
GROUPS = ("priority", "before", "price", "weight", "parent_id", "email")


def test_a_sum_of_decimals_is_exact_beyond_64_bits(items: Library) -> None:
    item = {"priority": "low", "price": "9999999999999999.99", "email": "a@example.com", "weight": "-0.000001"}
    for _ in range(12):
        assert items.ask("POST", ITEMS, item, "jan").status == 201
    found = items.ask("GET", f"{ITEMS}/stats?group=priority", user="jan").body

    assert found["cost"] == "119999999999999999.88"
    assert (found["cost_of_urgent"], found["total_weight"], found["pieces"]) == ("0.00", "-0.000012", "12")
    assert (found["groups"][0]["cost"], found["lightest"]) == (found["cost"], "-0.000001")


def test_groups_of_a_ranked_choice_come_in_the_order_of_the_ranks_and_null_last(items: Library) -> None:
    for priority, before in (("normal", None), ("it's high", "normal"), ("low", "it's high"), ("low", None)):
        item = {"priority": priority, "before": before, "price": "1.50", "email": "a@example.com"}
        assert items.ask("POST", ITEMS, item, "lea").status == 201

    def groups(field: str) -> list[Any]:
        found = items.ask("GET", f"{ITEMS}/stats?group={field}", user="lea").body
        return [(group[field], group["items"]) for group in found["groups"]]

    assert groups("priority") == [("low", 2), ("normal", 1), ("it's high", 1)]
    assert groups("before") == [("normal", 1), ("it's high", 1), (None, 2)]
    assert groups("price") == [("1.50", 4)]
    found = items.ask("GET", f"{ITEMS}/stats?group=price", user="lea").body
    assert (found["least"], found["most"]) == ("normal", "it's high")
    by_priority = items.ask("GET", f"{ITEMS}/stats?group=priority", user="lea").body
    assert (by_priority["least"], by_priority["most"]) == ("normal", "it's high")  # merged from the groups


def test_both_databases_answer_with_the_same_bytes(sites: list[Site]) -> None:
    random = Random(15)  # noqa: S311  # no secret
    for _ in range(30):
        item = {
            "priority": random.choice(["low", "normal", "it's high"]),
            "before": random.choice([None, "low", "it's high"]),
            "price": random.choice(
                ["0.00", "0.01", "9999999999999999.99", str(Decimal(random.randrange(10**6)) / 100)]
            ),
            "weight": random.choice([None, "-1000.5", "0.000001", "1000"]),
            "email": random.choice(["a@example.com", "B@example.com", "_@example.com", "\u00e4@example.com"]),
        }
        assert [site.library.ask_text("POST", ITEMS, item)[0] for site in sites] == [201, 201]
    for query in ("", *(f"?group={name}" for name in GROUPS), "?priority__gte=normal&group=email", "?weight__lt=0"):
        sqlite, postgres = (site.library.ask_text("GET", f"{ITEMS}/stats{query}") for site in sites)
        assert sqlite == postgres
        assert sqlite[0] == 200

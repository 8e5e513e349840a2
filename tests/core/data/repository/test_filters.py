"""Filters: each operator finds what it means in plain Python, for values of every type, on every database."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.data.repository.pages import Page, PageRequest
from app.core.data.repository.repository import Repository
from app.core.data.sql.conditions import Condition, Sort
from app.core.data.tables.folds import fold
from tests.core.data.repository.conditions import OPERATORS, SEARCH, Chosen, conditions, expected, is_match, values_of
from tests.core.data.repository.conftest import POOLS, Stock
from tests.parts.reference import CUT, has_words
from tests.parts.specimens import Specimen


async def find(stock: Stock, chosen: Sequence[Chosen], **more: Any) -> Page:
    """The page of alice's rows that match."""
    listed = sorted(chosen, key=lambda each: each[:2])
    request = PageRequest(
        200,
        conditions=tuple(Condition(field, operator) for field, operator, _ in listed),
        values=tuple(value for *_, value in listed),
        **more,
    )
    async with stock.sessions.of("alice") as session:
        return await Repository.of(Specimen)(session=session).select_page(request)


@given(chosen=st.lists(conditions(), min_size=1, max_size=3))
@SEARCH
async def test_conditions_find_the_rows_that_match_all_of_them(stock: Stock, chosen: list[Chosen]) -> None:
    page = await find(stock, chosen, count="exact")

    assert page.rows == expected(stock, chosen)
    assert page.total == len(page.rows)


@pytest.mark.parametrize("field", OPERATORS)
async def test_every_operator_of_a_field_finds_each_of_its_values(stock: Stock, field: str) -> None:
    values = [value for value in dict.fromkeys(getattr(row, field) for row in stock.rows) if value is not None]
    for operator in OPERATORS[field]:
        for value in values[:40] if operator != "isnull" else [None]:
            chosen = [(field, operator, [value, values[0]] if operator == "in" else value)]
            assert (await find(stock, chosen)).rows == expected(stock, chosen), chosen


@given(
    words=st.lists(values_of("title").map(fold).filter(bool), min_size=1, max_size=2),
    chosen=st.lists(conditions(), max_size=1),
)
@SEARCH
async def test_a_search_finds_the_rows_that_have_every_word(
    stock: Stock, words: list[str], chosen: list[Chosen]
) -> None:
    page = await find(stock, chosen, words=tuple(words), count="exact")
    found = [row for row in expected(stock, chosen) if has_words([(row.title, CUT), (row.notes, None)], words)]

    assert page.rows == found
    assert page.total == len(found)


@pytest.mark.parametrize(
    ("field", "operator", "value"),
    [
        ("shelf__label", "eq", "Éins"),
        ("shelf__label", "icontains", "eiNS"),
        ("shelf__label", "istartswith", "a_%"),
        ("shelf__archived", "eq", True),
        ("shelf__archived", "in", [True]),
        ("shelf__closed_at", "isnull", None),
        ("shelf__closed_at", "notnull", None),
        ("shelf__closed_at", "ne", POOLS["due_at"][0]),
        ("parent__stars", "gt", 0),
        ("parent__done", "ne", True),
    ],
)
async def test_a_condition_one_step_along_a_reference_is_about_that_row(
    stock: Stock, field: str, operator: str, value: Any
) -> None:
    name, _, rest = field.partition("__")
    rows = {row.id: row for row in stock.rows}
    targets = [stock.shelf_of(row) if name == "shelf" else rows.get(row.parent_id) for row in stock.rows]
    found = [
        row
        for row, target in zip(stock.rows, targets, strict=True)
        if target and is_match(target, rest, operator, value)
    ]

    assert found
    assert (await find(stock, [(field, operator, value)], count="exact")).rows == found


async def test_a_named_filter_is_an_expression_with_values_and_its_negation_has_the_other_rows(stock: Stock) -> None:
    def stars(row: Any, least: Any, most: Any) -> Any:
        return (row.stars >= least) & (row.stars <= most)

    async def ids(operator: str) -> list[int]:
        request = PageRequest(
            200,
            order=(Sort("stars", True),),
            conditions=(Condition("done", "eq"), Condition("rated", operator, stars)),
            values=(True, (0, 2**53 - 2)),
        )
        async with stock.sessions.of("alice") as session:
            return [row.id for row in (await Repository.of(Specimen)(session=session).select_page(request)).rows]

    done = [row for row in stock.rows if row.done]
    rated = {row.id for row in done if row.stars is not None and 0 <= row.stars <= 2**53 - 2}

    assert set(await ids("is")) == rated
    assert set(await ids("isnot")) == {row.id for row in done} - rated


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("field", "operator"),
    [
        ("tags", "eq"),
        ("tags", "isnull"),
        ("size", "eq"),
        ("title", "lt"),
        ("code_name", "icontains"),
        ("done", "isnull"),
        ("state", "gt"),
        ("shelf_id", "lt"),
        ("user_id", "eq"),
        ("shelf__user_id", "eq"),
        ("title_fold", "eq"),
        ("shelf__label_fold", "eq"),
        ("parent__shelf__archived", "eq"),
        ("nothing", "eq"),
        ("nothing__label", "eq"),
        ("title", "like"),
    ],
)
async def test_an_operator_that_a_field_does_not_have_is_refused(stock: Stock, field: str, operator: str) -> None:
    with pytest.raises(TypeError, match=f"{field} has no operator '{operator}'"):
        await find(stock, [(field, operator, "x")])


@pytest.mark.any_database
async def test_each_condition_needs_a_value(stock: Stock) -> None:
    async with stock.sessions.of("alice") as session:
        with pytest.raises(TypeError, match="1 conditions have 0 values"):
            await Repository.of(Specimen)(session=session).select_page(
                PageRequest(1, conditions=(Condition("id", "eq"),))
            )

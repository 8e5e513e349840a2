"""Pages: in any order, every row comes once, forth and back, nulls last; rows with equal values come by id."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.data.repository import page_rows
from app.core.data.repository.pages import Key, Page, PageRequest
from app.core.data.repository.repository import Repository
from app.core.data.repository.rows import Row
from app.core.data.sql import pages
from app.core.data.sql.conditions import Condition, Sort, is_id_descending
from app.core.data.tables.queryable import sortable_of
from tests.core.data.repository.conftest import ROWS, Stock
from tests.parts.reference import in_order
from tests.parts.specimens import Specimen

SEARCH = settings(
    max_examples=15, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
FIELDS = (*sortable_of(Specimen), "code", "shelf_id")
ORDERS = st.lists(st.builds(Sort, st.sampled_from(FIELDS), st.booleans()), max_size=3, unique_by=lambda sort: sort[0])
ONLY_DONE: dict[str, Any] = {"conditions": (Condition("done", "eq"),), "values": (True,)}
NEWEST_FIRST = (Sort("id", True),)
ONE_FIELD = [(Sort(field, falls),) for field in FIELDS for falls in (False, True)]


async def select(stock: Stock, request: PageRequest) -> Page:
    async with stock.sessions.of("alice") as session:
        return await Repository.of(Specimen)(session=session).select_page(request)


async def walk(stock: Stock, limit: int, *, back: bool, order: tuple[Sort, ...], **more: Any) -> list[list[int]]:
    """The ids of page after page; backwards it begins with the keys of the last row, which is not on a page then."""
    edge = None
    if back:
        whole = await select(stock, PageRequest(500, order=order, **more))
        assert whole.last_key
        step = -1 if is_id_descending(order) else 1
        edge = (*whole.last_key[:-1], whole.last_key[-1] + step)  # after the last row
    found = list[list[int]]()
    while True:
        page = await select(
            stock,
            PageRequest(limit, order=order, after=None if back else edge, before=edge if back else None, **more),
        )
        found.append([row.id for row in page.rows])
        edge = page.first_key if back else page.last_key
        if not page.more:
            return found


def joined(found: Sequence[list[int]]) -> list[int]:
    return [row_id for page in found for row_id in page]


async def check_walks(stock: Stock, order: tuple[Sort, ...], limit: int, rows: list[Row], **more: Any) -> None:
    ids = [row.id for row in in_order(rows, order)]
    forth = await walk(stock, limit, back=False, order=order, **more)
    assert joined(forth) == ids
    if ids:
        back = await walk(stock, limit, back=True, order=order, **more)
        assert joined(back[::-1]) == ids
        assert {len(page) for page in (*forth[:-1], *back[:-1])} <= {limit}


async def test_the_id_alone_may_be_in_descending_order(stock: Stock) -> None:
    for limit in (3, ROWS):
        await check_walks(stock, NEWEST_FIRST, limit, stock.rows)
        await check_walks(stock, NEWEST_FIRST, limit, [row for row in stock.rows if row.done], **ONLY_DONE)


@pytest.mark.parametrize("order", ONE_FIELD, ids=lambda order: f"{'-' * order[0].is_descending}{order[0].field}")
async def test_pages_lead_through_every_row_once_forth_and_back(stock: Stock, order: tuple[Sort, ...]) -> None:
    for limit in (3, ROWS):
        await check_walks(stock, order, limit, stock.rows)


@given(order=ORDERS.map(tuple), limit=st.integers(2, 7))
@SEARCH
async def test_pages_in_an_order_of_several_fields_do_so_too(stock: Stock, order: tuple[Sort, ...], limit: int) -> None:
    await check_walks(stock, order, limit, stock.rows)


@given(order=ORDERS.map(tuple), limit=st.integers(2, 7), done=st.booleans())
@SEARCH
async def test_pages_of_the_rows_that_match_conditions_do_so_too(
    stock: Stock, order: tuple[Sort, ...], limit: int, done: bool
) -> None:
    rows = [row for row in stock.rows if row.done is done]
    await check_walks(stock, order, limit, rows, conditions=(Condition("done", "eq"),), values=(done,))


@given(order=ORDERS.map(tuple), limit=st.integers(2, 7), offset=st.integers(0, ROWS + 1), place=st.integers(0, ROWS))
@SEARCH
async def test_a_page_can_skip_rows_after_a_key_and_be_counted(
    stock: Stock, order: tuple[Sort, ...], limit: int, offset: int, place: int
) -> None:
    whole = await select(stock, PageRequest(ROWS, order=order))
    first = await select(stock, PageRequest(1, place, order=order))
    page = await select(stock, PageRequest(limit, offset, order=order, after=first.last_key, count="exact"))

    start = offset + (place + 1 if first.rows else 0)
    assert page.rows == whole.rows[start : start + limit]
    assert page.more == (start + limit < ROWS)
    assert (page.total, page.has_more_than_total) == (ROWS, False)
    assert (page.first_key is None) == (not page.rows)


@pytest.mark.parametrize("order", ONE_FIELD, ids=lambda order: f"{'-' * order[0].is_descending}{order[0].field}")
async def test_rows_that_stay_come_once_while_others_come_and_go(stock: Stock, order: tuple[Sort, ...]) -> None:
    random, others, seen, edge = Random(1), list[int](), list[int](), None  # noqa: S311  # no secret
    stay = {row.id for row in stock.rows}
    while True:
        page = await select(stock, PageRequest(3, order=order, after=edge))
        seen += [row.id for row in page.rows if row.id in stay]
        edge = page.last_key
        async with stock.sessions.of("alice") as session:
            rows = Repository.of(Specimen)(session=session)
            if others and random.random() < 0.5:  # perhaps the row at the edge
                await rows.delete_one(others.pop(random.randrange(len(others))))
            elif page.more:
                copied = random.choice(stock.rows)
                values = {name: getattr(copied, name) for name in ("title", *(each.field for each in order))}
                others.append((await rows.insert_one(values)).id)
        if not page.more:
            break
    async with stock.sessions.of("alice") as session:
        for row_id in others:
            await Repository.of(Specimen)(session=session).delete_one(row_id)

    assert seen == [row.id for row in in_order(stock.rows, order)]


async def test_an_estimate_counts_no_further_than_its_bound(stock: Stock, monkeypatch: pytest.MonkeyPatch) -> None:
    for bound, total, is_cut in ((ROWS - 1, ROWS - 1, True), (ROWS, ROWS, False), (ROWS + 1, ROWS, False)):
        pages.page_of.cache_clear()
        for module in (pages, page_rows):
            monkeypatch.setattr(module, "MAX_ESTIMATE", bound)
        for order in ((), (Sort("due_at", True),)):
            page = await select(stock, PageRequest(1, order=order, count="estimated"))
            assert (page.total, page.has_more_than_total, len(page.rows)) == (total, is_cut, 1)
    pages.page_of.cache_clear()


async def test_a_page_without_rows_has_a_total_and_no_keys(stock: Stock) -> None:
    for order in ((), (Sort("stars"),)):
        page = await select(stock, PageRequest(1, ROWS, order=order, count="exact"))
        assert (page.rows, page.more, page.total, page.first_key, page.last_key) == ([], False, ROWS, None, None)


@pytest.mark.any_database
@pytest.mark.parametrize(
    "order",
    [
        (Sort("nothing"),),
        (Sort("title"), Sort("id"), Sort("id")),
        (Sort("title"), Sort("title", True)),
        (Sort("title_fold"),),
    ],
)
async def test_an_order_by_another_name_is_refused(stock: Stock, order: tuple[Sort, ...]) -> None:
    with pytest.raises(TypeError, match=f"cannot be sorted by '{order[-1].field}'"):
        await select(stock, PageRequest(1, order=order))


@pytest.mark.any_database
@pytest.mark.parametrize(("order", "key"), [((), ("a", 1)), ((Sort("title"),), (1,)), ((Sort("title"),), ())])
async def test_a_key_of_another_order_is_refused(stock: Stock, order: tuple[Sort, ...], key: Key) -> None:
    with pytest.raises(TypeError, match=f"A key in the order of .*id has {len(order) + 1} values, not {len(key)}"):
        await select(stock, PageRequest(1, order=order, after=key))

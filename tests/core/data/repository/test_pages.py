"""Pages: in any order of columns, every row comes once, forth and back, and rows with equal values keep their place."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from app.core.data.ownership.guard import bind_owner
from app.core.data.ownership.session import AppSession
from app.core.data.repository.pages import Key, Page, PageRequest
from app.core.data.repository.repository import Repository
from app.tasks.models import Task
from app.testing.clients import CountQueries
from app.testing.factories import factory_of

ROWS = 120
START = datetime(2026, 2, 28, tzinfo=UTC)
ORDERS: list[tuple[str, ...]] = [(), ("title",), ("completed",), ("created_at",), ("completed", "title"), ("user_id",)]

Tasks = Repository[Task]


def rows_of(number: int) -> Iterator[Task]:
    values: dict[str, Any] = {
        "title": "abcde"[number * 7 % 5],
        "completed": number * 3 % 4 == 0,
        "created_at": START + timedelta(microseconds=number * 11 % 6),
    }
    for user in ("alice", "bob")[: 2 if number % 10 == 0 else 1]:
        yield factory_of(Task).build(user_id=user, **values)


@pytest.fixture
async def tasks(db: AppSession, sessions: async_sessionmaker[AppSession]) -> Any:
    """Alice's tasks, with few different values and rows of bob's between them."""
    rows = [row for number in range(ROWS) for row in rows_of(number)]
    await Repository.of(Task)(session=db).add_many(rows)
    async with sessions() as session:
        bind_owner(session, "alice")
        yield Repository.of(Task)(session=session)


async def walk(tasks: Tasks, order: tuple[str, ...], limit: int, *, back: bool) -> list[list[int]]:
    """The ids of page after page; backwards it begins at the end."""
    last = await tasks.select_page(PageRequest(ROWS, order=order))
    # Behind the last row there is no key of a row; a greater id has the same values.
    end = (*PageRequest(1, order=order).key_of(last.rows[-1])[:-1], last.rows[-1].id + 1)
    pages, edge = list[list[int]](), end if back else None
    while True:
        asked = PageRequest(limit, order=order, after=None if back else edge, before=edge if back else None)
        page = await tasks.select_page(asked)
        pages.append([row.id for row in page.rows])
        if not page.more:
            return pages
        edge = asked.key_of(page.rows[0 if back else -1])


@pytest.mark.parametrize("limit", [7, ROWS])
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: ",".join(order) or "id")
async def test_pages_lead_through_every_row_once_forth_and_back(
    tasks: Tasks, order: tuple[str, ...], limit: int
) -> None:
    rows = (await tasks.select_page(PageRequest(ROWS + 1))).rows
    expected = [row.id for row in sorted(rows, key=PageRequest(1, order=order).key_of)]
    assert len(expected) == ROWS

    forth = await walk(tasks, order, limit, back=False)
    back = await walk(tasks, order, limit, back=True)

    assert [row_id for page in forth for row_id in page] == expected
    assert [row_id for page in reversed(back) for row_id in page] == expected
    assert {len(page) for page in (*forth[:-1], *back[:-1])} <= {limit}


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: ",".join(order) or "id")
async def test_a_page_in_any_order_is_one_statement_and_can_be_counted(
    tasks: Tasks, order: tuple[str, ...], count_queries: CountQueries
) -> None:
    whole = (await tasks.select_page(PageRequest(ROWS, order=order))).rows
    key = PageRequest(1, order=order).key_of

    async def select(request: PageRequest) -> Page:
        with count_queries() as executed:
            page = await tasks.select_page(request)
        assert len(executed) == 1
        return page

    first = await select(PageRequest(2, order=order, count=True))
    middle = await select(PageRequest(2, 3, order=order, after=key(whole[9]), count=True))
    before = await select(PageRequest(2, order=order, before=key(whole[1]), count=True))
    past = await select(PageRequest(2, order=order, after=key(whole[-1]), count=True))

    assert (first.rows, first.more, first.total) == (whole[:2], True, ROWS)
    assert (middle.rows, middle.more, middle.total) == (whole[13:15], True, ROWS)
    assert (before.rows, before.more, before.total) == (whole[:1], False, ROWS)
    assert (past.rows, past.more, past.total) == ([], False, ROWS)


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("order", "words"),
    [
        (("description",), "'description', because a comparison with null"),
        (("title", "project_id"), "'project_id', because a comparison with null"),
        (("nothing",), "'nothing': name columns of the table, without id"),
        (("id",), "'id': name columns"),
        (("title", "id"), "'id': name columns"),
    ],
)
async def test_an_order_that_would_lose_rows_is_refused(db: AppSession, order: tuple[str, ...], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        await Repository.of(Task)(session=db).select_page(PageRequest(1, order=order))


@pytest.mark.any_database
@pytest.mark.parametrize(("order", "key"), [((), ("a", 1)), (("title",), (1,)), (("title",), ())])
async def test_a_key_of_another_order_is_refused(db: AppSession, order: tuple[str, ...], key: Key) -> None:
    with pytest.raises(TypeError, match=f"A key in the order of .*id has {len(order) + 1} values, not {len(key)}"):
        await Repository.of(Task)(session=db).select_page(PageRequest(1, order=order, after=key))

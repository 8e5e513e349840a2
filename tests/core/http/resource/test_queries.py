"""Requests for lists with filters and an order: the links, the total, the limits, and the fields of a row."""

from collections.abc import Callable
from typing import Final

import pytest

from app.core.data.ownership.session import AppSession
from app.core.data.repository.pages import Page, PageRequest
from app.core.http.resource.pages import page_response
from app.core.http.resource.query import MAX_QUERY
from app.testing.clients import Client, assert_error
from app.testing.factories import factory_of
from tests.core.http.bodies import Resource
from tests.core.http.lists import ids, store
from tests.library import Library
from tests.parts.resources import one_resource

pytestmark = pytest.mark.any_database


@one_resource
async def test_links_have_the_whole_query(client: Client, db: AppSession, resource: Resource) -> None:
    rows = await store(resource, 5)
    query = f"created_at__lt=2100-01-01T00:00:00+00:00&sort=-id&id__in={rows[0]},{rows[1]}&id__in={rows[4]}"
    page = await client.get(f"{resource.path}?{query}&limit=2&fields=id")

    assert ids(page) == [rows[4], rows[1]]
    start = f"{resource.path}?limit=2&created_at__lt=2100-01-01T00%3A00%3A00%2B00%3A00&fields=id"
    start += f"&id__in={rows[0]}%2C{rows[1]}&id__in={rows[4]}&sort=-id&after="
    assert page.links["next"]["url"].startswith(start)
    following = await client.get(page.links["next"]["url"])
    assert ids(following) == [rows[0]]
    back = await client.get(following.links["prev"]["url"])
    assert back.json() == page.json()
    assert back.links["next"] == page.links["next"]


@one_resource
async def test_a_cursor_belongs_to_its_filters_and_order_but_not_to_a_limit(
    client: Client, anonymous: Client, db: AppSession, resource: Resource
) -> None:
    rows = await store(resource, 5)
    answer = await client.get(f"{resource.path}?sort=-id&limit=2&id__ne=0")
    after = answer.links["next"]["url"].partition("after=")[2]

    for other in ("sort=-id&limit=1&fields=id", "sort=-id&limit=9"):
        assert ids(await client.get(f"{resource.path}?{other}&id__ne=0&after={after}"))[0] == rows[2]
    for query in ("sort=-id", "sort=-id&id__ne=1", "id__ne=0", "sort=-id&id__ne=0&completed=true"):
        refused = await client.get(f"{resource.path}?{query}&after={after}")
        named = "completed" if "completed" in query and "completed" not in resource.lists.parameters else "after"
        assert assert_error(refused, 422)["errors"][0]["loc"] == ["query", named]


@one_resource
async def test_a_page_past_the_end_is_empty_and_leads_back(client: Client, db: AppSession, resource: Resource) -> None:
    rows = await store(resource, 3)
    first = await client.get(f"{resource.path}?sort=-id&limit=2")
    for row_id in rows[:1]:
        assert (await client.delete(f"{resource.path}/{row_id}")).status_code == 204
    past = await client.get(first.links["next"]["url"])

    assert ids(past) == []
    assert ids(await client.get(past.links["prev"]["url"])) == [rows[2], rows[1]]


async def test_a_query_that_is_too_long_is_a_414(client: Client, db: AppSession) -> None:
    query = "&".join(f"title__in={'x' * 80}" for _ in range(80))
    within = f"{query}&title__in={'x' * (MAX_QUERY - len(query) - len('&title__in='))}"

    assert len(within) == MAX_QUERY
    assert ids(await client.get(f"/api/tasks?{within}")) == []
    assert_error(await client.get(f"/api/tasks?{within}x"), 414)


@one_resource
async def test_the_total_counts_what_matches(client: Client, db: AppSession, resource: Resource) -> None:
    rows = await store(resource, 4)
    for form in ("exact", "estimated"):
        answer = await client.get(
            f"{resource.path}?id__ne={rows[0]}&limit=1", headers={"Prefer": f"count={form.upper()}"}
        )
        assert (answer.headers["x-total-count"], answer.headers["preference-applied"]) == ("3", f"count={form}")


def test_an_estimate_says_that_it_is_a_lower_bound() -> None:
    answer = page_response("/x", PageRequest(1, count="estimated"), Page([], False, 10_000, True))

    assert answer.headers["X-Total-Count"] == "10000"
    assert answer.headers["Preference-Applied"] == "count=estimated; at-least"


@one_resource
async def test_a_row_with_fewer_fields_has_its_etag(client: Client, db: AppSession, resource: Resource) -> None:
    row = await factory_of(resource.model).create_async(user_id="alice")
    whole = await client.get(f"{resource.path}/{row.id}")
    some = await client.get(f"{resource.path}/{row.id}?fields=created_at")

    assert some.json() == {"id": row.id, "created_at": whole.json()["created_at"]}
    assert some.headers["etag"] == whole.headers["etag"]


@pytest.mark.parametrize("name", ["q", "title__icontains", "title__istartswith", "summary__icontains"])
def test_a_text_of_accents_alone_is_refused_because_every_text_has_it(library: Library, name: str) -> None:
    for text in ("%CC%81", "%CC%81%CC%80", ""):
        answer = library.ask("GET", f"/api/sample-books?{name}={text}")

        assert answer.status == 422
        assert answer.body["errors"][0]["loc"] == ["query", name]


def repeated(text: str, count: int, sign: str = "&") -> str:
    return sign.join(text.format(number) for number in range(count))


LIMITS: Final[dict[str, tuple[str, Callable[[int], str], int]]] = {
    "conditions": ("pages__ne", lambda count: repeated("pages__ne={}", count), 10),
    "conditions of several fields": (
        "title__icontains",
        lambda count: f"{repeated('pages__ne={}', count - 1)}&title__icontains=a",
        10,
    ),
    "values": ("pages__in", lambda count: f"pages__in={repeated('{}', count, ',')}", 100),
    "values, repeated": ("pages__in", lambda count: repeated("pages__in={}", count), 100),
    "values, with commas and repeated": (
        "pages__in",
        lambda count: f"pages__in=7&pages__in={repeated('{}', count - 1, ',')}",
        100,
    ),
    "words": ("q", lambda count: f"q={repeated('w{}', count, '+')}", 5),
    "characters of a search": ("q", lambda count: f"q={'%C3%BC' * count}", 100),
    "characters of a text": ("title", lambda count: f"title={'x' * count}", 1_000),
    "fields of an order": (
        "sort",
        lambda count: f"sort={','.join(('title', 'pages', '-rating', 'printed')[:count])}",
        3,
    ),
    "steps along references": ("shelf__building__name", lambda count: f"shelf__{'building__' * (count - 1)}name=x", 1),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_a_query_is_refused_from_its_limits_on(library: Library, limit: str) -> None:
    name, query, most = LIMITS[limit]
    refused = library.ask("GET", f"/api/sample-books?{query(most + 1)}")

    assert library.ask("GET", f"/api/sample-books?{query(most)}").status == 200
    assert refused.status == 422
    assert refused.body["errors"][0]["loc"] == ["query", name]

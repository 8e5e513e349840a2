"""Lists: pages, the links between them, the total, and the parameters that there are not."""

from collections.abc import Callable

import pytest

from app.core.data.ownership.session import AppSession
from app.core.http.resource.list_parameters import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET
from app.testing.clients import Client, assert_error
from tests.core.http.bodies import Resource
from tests.core.http.lists import ids, store
from tests.parts.resources import one_resource

COUNT = {"Prefer": "count=exact"}


@one_resource
@pytest.mark.parametrize(
    ("stored", "query", "rows", "links"),
    [
        (0, "", (0, 0), ""),
        (3, "", (0, 3), ""),
        (3, "?limit=3", (0, 3), ""),
        (4, "?limit=2", (0, 2), '<{path}?limit=2&after={last}>; rel="next"'),
        (4, "?limit=2&offset=2", (2, 4), '<{path}?limit=2&offset=0>; rel="prev"'),
        (
            5,
            "?limit=2&offset=2",
            (2, 4),
            '<{path}?limit=2&after={last}>; rel="next", <{path}?limit=2&offset=0>; rel="prev"',
        ),
        (5, "?limit=2&offset=4", (4, 5), '<{path}?limit=2&offset=2>; rel="prev"'),
        (
            5,
            "?limit=2&offset=1",
            (1, 3),
            '<{path}?limit=2&after={last}>; rel="next", <{path}?limit=2&offset=0>; rel="prev"',
        ),
        (3, "?limit=2&offset=9", (3, 3), '<{path}?limit=2&offset=7>; rel="prev"'),
        (
            5,
            "?limit=2&after={2}",
            (2, 4),
            '<{path}?limit=2&after={last}>; rel="next", <{path}?limit=2&before={first}>; rel="prev"',
        ),
        (5, "?limit=2&after={4}", (4, 5), '<{path}?limit=2&before={first}>; rel="prev"'),
        (2, "?limit=2&after=9223372036854775807", (2, 2), '<{path}?limit=2&before=9223372036854775807>; rel="prev"'),
        (
            5,
            "?limit=2&before={5}",
            (2, 4),
            '<{path}?limit=2&after={last}>; rel="next", <{path}?limit=2&before={first}>; rel="prev"',
        ),
        (5, "?limit=2&before={3}", (0, 2), '<{path}?limit=2&after={last}>; rel="next"'),
        (5, "?limit=2&before={2}", (0, 1), '<{path}?limit=2&after={last}>; rel="next"'),
        (5, "?before={1}", (0, 0), ""),
        (DEFAULT_LIMIT, "", (0, DEFAULT_LIMIT), ""),
        (
            DEFAULT_LIMIT + 1,
            "",
            (0, DEFAULT_LIMIT),
            f'<{{path}}?limit={DEFAULT_LIMIT}&after={{last}}>; rel="next"',
        ),
    ],
)
async def test_a_page_names_its_neighbours_exactly(  # noqa: PLR0917
    client: Client, db: AppSession, resource: Resource, stored: int, query: str, rows: tuple[int, int], links: str
) -> None:
    await store(resource, 2, user="bob")
    mine = await store(resource, stored)
    expected = mine[slice(*rows)]
    edges = {"first": expected[0], "last": expected[-1]} if expected else {}
    query = query.format(None, *mine)  # `{2}` is the id of the second row

    for total, headers in ((None, {}), (str(stored), COUNT)):
        answer = await client.get(resource.path + query, headers=headers)

        assert ids(answer) == expected
        assert answer.headers.get("link", "") == links.format(path=resource.path, **edges)
        assert answer.headers.get("x-total-count") == total
        assert answer.headers.get("preference-applied") == (total and "count=exact")


@one_resource
@pytest.mark.parametrize(("stored", "limit"), [(6, 2), (7, 3), (1, 1), (5, 500)])
async def test_who_follows_the_links_sees_every_row_once(
    client: Client, db: AppSession, resource: Resource, stored: int, limit: int
) -> None:
    rows, seen = await store(resource, stored), list[int]()
    page: str | None = f"{resource.path}/?limit={limit}"

    for _ in range(stored + 1):
        if page is None:
            break
        answer = await client.get(page)
        seen += ids(answer)
        page = answer.links.get("next", {}).get("url")
        assert page is None or page.startswith(f"{resource.path}?limit={limit}&")

    assert seen == rows


@pytest.mark.any_database
@one_resource
@pytest.mark.parametrize(
    "lines",
    [
        ["count=exact"],
        ["return=minimal, count=exact"],
        ["count=exact,wait=10"],
        [" count=exact "],
        ["return=minimal", "count=exact"],
        ["", "count=exact"],
        ['count="exact"'],
        ["count=exact; p"],
        ["Count = Exact"],
        ["count=exact, count=planned"],
    ],
)
async def test_the_total_comes_to_those_who_ask(
    client: Client, db: AppSession, resource: Resource, lines: list[str]
) -> None:
    await store(resource, 3)

    answer = await client.get(f"{resource.path}?limit=1", headers=[("Prefer", line) for line in lines])

    assert (answer.headers["x-total-count"], answer.headers["preference-applied"]) == ("3", "count=exact")


@pytest.mark.any_database
@one_resource
@pytest.mark.parametrize(
    "prefer",
    ["", "count", "count=planned", "count=exactly", "return=minimal", "nocount=exact", "count=none, count=exact"],
)
async def test_any_other_preference_is_left_alone(
    client: Client, db: AppSession, resource: Resource, prefer: str
) -> None:
    answer = await client.get(resource.path, headers={"Prefer": prefer})

    assert ids(answer) == []
    assert not {"x-total-count", "preference-applied"} & set(answer.headers)


@one_resource
@pytest.mark.parametrize(
    "query", ["limit=1", f"limit={MAX_LIMIT}", "offset=0", f"offset={MAX_OFFSET}", f"after={2**63 - 1}", "before=1"]
)
async def test_the_bounds_belong_to_what_is_allowed(client: Client, resource: Resource, query: str) -> None:
    assert ids(await client.get(f"{resource.path}?{query}")) == []
    assert ids(await client.get(f"{resource.path}?{query}", headers=COUNT)) == []


@pytest.mark.any_database
@one_resource
@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        (f"limit={MAX_LIMIT + 1}", "limit"),
        ("limit=abc", "limit"),
        ("limit=1.5", "limit"),
        ("limit=", "limit"),
        ("limit=%00", "limit"),
        ("limit=1_0", "limit"),
        (f"limit={'9' * 5000}", "limit"),
        ("offset=-1", "offset"),
        (f"offset={MAX_OFFSET + 1}", "offset"),
        (f"offset={2**63}", "offset"),
        ("after=-1", "after"),
        (f"after={2**63}", "after"),
        ("before=0", "before"),
        (f"before={2**63}", "before"),
        ("before=x", "before"),
        ("offset=1&after=1", "after"),
        ("after=1&before=9", "after"),
        ("offset=1&before=9", "offset"),
        ("offset=x", "offset"),
        ("ofset=1", "ofset"),
        ("LIMIT=1", "LIMIT"),
        ("limit=1&user_id=bob", "user_id"),
        ("limit=1&limit=1", "limit"),
        ("offset=1&limit=1&offset=2", "offset"),
        ("page=1", "page"),
        ("prefer=count%3Dexact", "prefer"),
        ("rows=1", "rows"),
    ],
)
async def test_a_parameter_that_cannot_be_used_is_named(
    client: Client, resource: Resource, query: str, named: str
) -> None:
    body = assert_error(await client.get(f"{resource.path}?{query}"), 422)

    assert [error["loc"] for error in body["errors"]] == [["query", named]]
    assert body["detail"].startswith(f"{named}: ")


@one_resource
async def test_a_row_has_no_parameters_whatever_is_done_to_it(
    as_user: Callable[[str], Client], db: AppSession, resource: Resource
) -> None:
    (row_id,) = await store(resource, 1)

    for method in ("GET", "PUT", "PATCH", "DELETE"):
        answer = await as_user("alice").request(method, f"{resource.path}/{row_id}?limit=1", json={})
        assert assert_error(answer, 422)["errors"][0]["loc"] == ["query", "limit"]
    assert_error(await as_user("alice").post(f"{resource.path}?limit=1", json={}), 422)
    assert ids(await as_user("alice").get(resource.path)) == [row_id]

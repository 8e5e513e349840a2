"""Rules about lists, query parameters and paths."""

from typing import Any

from app.core.http.resource.list_parameters import MAX_LIMIT, MAX_OFFSET
from app.testing.contract.answers import expect, expect_error, row_in, visible_parts
from app.testing.contract.operations import CHANGES, CREATE, DELETE, GET, LIST, own_operations
from app.testing.contract.resource import ABSENT, ResourceUnderTest
from app.testing.contract.rules import acts_on_rows, has_many, offers, rule

NEVER_VALID = (
    *("abc", "", "null", "%00", "10000000000000000000000"),
    *("1.5", "1_0", "01", "%2B1", "+1", "-0", "1%0A", "1.0", "1e1", "0x1"),
    *("%D9%A3", "%EF%BC%91"),  # digits of other scripts
)
BAD_PAGES = {
    "limit": ("0", "-1", *NEVER_VALID),
    "offset": ("-1", str(MAX_OFFSET + 1), str(2**63), *NEVER_VALID),
    "after": ("-1", str(2**63), *NEVER_VALID),
    "before": ("0", str(2**63), *NEVER_VALID),
}
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
_ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


@rule(offers("list"), has_many)
async def page_parameters_have_bounds(tested: ResourceUnderTest) -> None:
    """`limit` is 1 to `max_page_size`, `offset` 0 to 10,000, `after` and `before` are ids; else a 422 names it."""
    most = tested.resource.max_page_size
    expect("max_page_size", most, min(most, MAX_LIMIT))
    rows = [await tested.create_row(tested.owner) for _ in range(2)]
    for name, values in (*BAD_PAGES.items(), ("limit", (str(most + 1),))):
        for value in values:
            answer = await tested.owner.get(f"{tested.resource.path}?{name}={value}")
            expect_error(f"{name}={value}", answer, 422, f"query.{name}")
    for query, expected in (
        ("limit=1", rows[:1]),
        (f"limit={most}", rows),
        ("offset=0", rows),
        ("offset=1", rows[1:]),
        (f"after={rows[0]['id']}", rows[1:]),
        (f"before={rows[1]['id']}", rows[:1]),
    ):
        answer = await tested.owner.get(f"{tested.resource.path}?{query}")
        expect(query, (answer.status_code, answer.json()), (200, expected))
    answer = await tested.owner.get(f"{tested.resource.path}?offset={MAX_OFFSET}&limit={most}")
    expect("the last offset", (answer.status_code, answer.json()), (200, []))


@rule(offers("list"), has_many)
async def pages_contain_every_row_once_in_the_order_of_ids(tested: ResourceUnderTest) -> None:
    """`next` leads from the first page to the last, and `prev` back. X-Total-Count is sent only if it is requested."""
    rows = [await tested.create_row(tested.owner) for _ in range(5)]
    expect("the order", [row["id"] for row in rows], sorted(row["id"] for row in rows))
    path = f"{tested.resource.path}?limit=2"
    for relation, expected in (("next", [rows[:2], rows[2:4], rows[4:]]), ("prev", [rows[4:], rows[2:4], rows[:2]])):
        pages: list[Any] = []
        while True:
            answer = await tested.owner.get(path)
            expect(f"GET {path}", answer.status_code, 200)
            assert "x-total-count" not in answer.headers, "a total that was not requested"
            pages.append(answer.json())
            if relation not in answer.links or len(pages) > len(expected):
                break
            path = str(answer.links[relation]["url"])
        expect(f"the pages by {relation}", pages, expected)
    answer = await tested.owner.get(f"{tested.resource.path}?limit=2", headers={"Prefer": "count=exact"})
    expect("the total", answer.headers["x-total-count"], "5")


@rule()
async def an_unknown_query_parameter_is_a_422_that_names_it(tested: ResourceUnderTest) -> None:
    """An unknown or repeated query parameter is a 422 that names it: a typo must not list or delete other rows."""
    row = await tested.create_row(tested.owner)
    before = await tested.all_rows()
    for operation in tested.operations:
        body: dict[str, Any] = {"json": await tested.new_body(tested.owner)} if operation.has_body else {}
        for name in ("nothing", "Limit", "user_id", *(() if operation.name == "list" else ("limit",))):
            answer = await tested.send(tested.owner, operation, row["id"], after=f"?{name}=1", **body)
            expect_error(f"{operation.name}?{name}=1", answer, 422, f"query.{name}")
        if operation.name == "list":
            twice = await tested.send(tested.owner, operation, after="?limit=1&limit=2")
            expect_error("limit twice", twice, 422, "query.limit")
    expect("the rows afterwards", await tested.all_rows(), before)


@rule(has_many)
async def a_trailing_slash_changes_nothing(tested: ResourceUnderTest) -> None:
    """A path with a trailing slash is the same resource, without a redirect."""
    row = await tested.create_row(tested.owner)
    for operation in tested.offered((LIST, GET, *CHANGES)):
        plain = await tested.send(tested.owner, operation, row["id"])
        slashed = await tested.send(tested.owner, operation, row["id"], after="/")
        expect(operation.name, visible_parts(slashed), visible_parts(plain))
    if CREATE in tested.operations:
        answer = await tested.send(tested.owner, CREATE, after="/", json=await tested.new_body(tested.owner))
        created = row_in(answer, 201)
        expect("Location", answer.headers["location"], f"{tested.resource.path}/{created['id']}")
        await tested.delete_row(tested.owner, created["id"])
    if DELETE in tested.operations:
        created = await tested.create_row(tested.owner)
        expect("delete", (await tested.send(tested.owner, DELETE, created["id"], after="/")).status_code, 204)
    expect("the list", await tested.list_rows(tested.owner), [row])


@rule(acts_on_rows)
async def an_id_has_one_spelling(tested: ResourceUnderTest) -> None:
    """A path accepts an id only in plain decimal digits; any other spelling is a 404, like a missing row."""
    row = await tested.create_row(tested.owner)
    id = str(row["id"])
    for operation in (operation for operation in tested.operations if operation.on_row):
        absent = await tested.send(tested.owner, operation, ABSENT)
        expect_error(f"{operation.name} of an absent id", absent, 404)
        for spelling in (f"0_{id}", f"+{id}", f"0{id}", f"%20{id}", f"{id}%0A", f"%C2%A0{id}", id.translate(_ARABIC)):
            answer = await tested.send(tested.owner, operation, spelling)
            expect(f"{operation.name} of {spelling}", visible_parts(answer), visible_parts(absent))
    expect("the list", await tested.list_rows(tested.owner), [row])


@rule()
async def a_method_that_is_not_offered_is_a_405(tested: ResourceUnderTest) -> None:
    """A method that a path does not offer is a 405; `Allow` lists the methods that it offers."""
    row = await tested.create_row(tested.owner)
    offered = (*tested.operations, *own_operations(tested.resource))
    for path in sorted({operation.path for operation in tested.operations}):
        there = tested.resource.path + path.replace("{id}", str(row["id"]))
        allowed = {operation.method for operation in offered if operation.path == path}
        answers = [await tested.owner.request(method, there) for method in sorted(METHODS - allowed)]
        for answer in answers:
            expect_error(f"{answer.request.method} {there}", answer, 405)
        for answer in answers:
            expect("Allow", set(answer.headers["allow"].split(", ")) & METHODS, allowed)
    expect("the list", await tested.list_rows(tested.owner), [row])

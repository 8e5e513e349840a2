"""Rules: pages, the query, and the paths themselves."""

from typing import Any

from app.core.http.resource.pages import MAX_LIMIT, MAX_OFFSET
from app.testing.contract.subject import (
    ABSENT,
    CREATE,
    DELETE,
    OPERATIONS,
    Subject,
    expect,
    expect_error,
    row_in,
    rule,
    seen_in,
)

NEVER_TAKEN = (
    *(
        "abc",
        "",
        "1.5",
        "%00",
        "10000000000000000000000",
        "1_0",
        "01",
        "%2B1",
        "+1",
        "1%0A",
        "1.0",
        "1e1",
        "0x1",
        "null",
    ),
    *("null", "-0", "%D9%A3", "%EF%BC%91"),  # digits of other scripts
)
BAD_PAGES = {
    "limit": ("0", "-1", *NEVER_TAKEN),
    "offset": ("-1", str(MAX_OFFSET + 1), str(2**63), *NEVER_TAKEN),
    "after": ("-1", str(2**63), *NEVER_TAKEN),
    "before": ("0", str(2**63), *NEVER_TAKEN),
}
_ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


@rule
async def a_page_has_its_bounds(subject: Subject) -> None:
    """`limit` is 1 to `max_page_size`, `offset` 0 to 10,000, `after` and `before` are ids; else a 422 that names it."""
    most = subject.resource.max_page_size
    expect("the most rows of a page", min(most, MAX_LIMIT), most)
    rows = [await subject.created(subject.owner) for _ in range(2)]
    for name, values in (*BAD_PAGES.items(), ("limit", (str(most + 1),))):
        for value in values:
            answer = await subject.owner.get(f"{subject.resource.path}?{name}={value}")
            expect_error(f"{name}={value}", answer, 422, f"query.{name}")
    for query, expected in (
        ("limit=1", rows[:1]),
        (f"limit={most}", rows),
        ("offset=0", rows),
        ("offset=1", rows[1:]),
        (f"after={rows[0]['id']}", rows[1:]),
        (f"before={rows[1]['id']}", rows[:1]),
    ):
        answer = await subject.owner.get(f"{subject.resource.path}?{query}")
        expect(query, (answer.status_code, answer.json()), (200, expected))
    answer = await subject.owner.get(f"{subject.resource.path}?offset={MAX_OFFSET}&limit={most}")
    expect("the last offset", (answer.status_code, answer.json()), (200, []))


@rule
async def pages_lead_through_every_row_once_in_the_order_of_ids(subject: Subject) -> None:
    """`next` leads from the first page to the last and `prev` back; the total is told only to who asks for it."""
    rows = [await subject.created(subject.owner) for _ in range(5)]
    expect("the order", [row["id"] for row in rows], sorted(row["id"] for row in rows))
    path = f"{subject.resource.path}?limit=2"
    for relation, expected in (("next", [rows[:2], rows[2:4], rows[4:]]), ("prev", [rows[4:], rows[2:4], rows[:2]])):
        pages: list[Any] = []
        while True:
            answer = await subject.owner.get(path)
            expect(f"GET {path}", answer.status_code, 200)
            assert "x-total-count" not in answer.headers, "a total that nobody asked for"
            pages.append(answer.json())
            if relation not in answer.links or len(pages) > len(expected):
                break
            path = str(answer.links[relation]["url"])
        expect(f"the pages by {relation}", pages, expected)
    answer = await subject.owner.get(f"{subject.resource.path}?limit=2", headers={"Prefer": "count=exact"})
    expect("the total", answer.headers["x-total-count"], "5")


@rule
async def an_unknown_query_parameter_is_a_422_that_names_it(subject: Subject) -> None:
    """A parameter that an operation lacks, or one given twice, is refused: a typo must neither list nor delete."""
    row = await subject.created(subject.owner)
    before = await subject.stored()
    for operation in OPERATIONS:
        body: dict[str, Any] = {"json": await subject.body(subject.owner)} if operation.has_body else {}
        for name in ("nothing", "Limit", "user_id", *(() if operation.name == "list" else ("limit",))):
            answer = await subject.send(subject.owner, operation, row["id"], after=f"?{name}=1", **body)
            expect_error(f"{operation.name}?{name}=1", answer, 422, f"query.{name}")
    expect_error("limit twice", await subject.owner.get(f"{subject.resource.path}?limit=1&limit=2"), 422, "query.limit")
    expect("the rows afterwards", await subject.stored(), before)


@rule
async def a_slash_at_the_end_changes_nothing(subject: Subject) -> None:
    """A path with a slash behind it is the same resource, answered in place and not by a redirect."""
    row = await subject.created(subject.owner)
    for operation in (o for o in OPERATIONS if o.name not in {"create", "delete"}):
        plain = await subject.send(subject.owner, operation, row["id"])
        slashed = await subject.send(subject.owner, operation, row["id"], after="/")
        expect(operation.name, seen_in(slashed), seen_in(plain))
    answer = await subject.send(subject.owner, CREATE, after="/", json=await subject.body(subject.owner))
    created = row_in(answer, 201)
    expect("Location", answer.headers["location"], f"{subject.resource.path}/{created['id']}")
    expect("delete", (await subject.send(subject.owner, DELETE, created["id"], after="/")).status_code, 204)
    expect("the list", await subject.listed(subject.owner), [row])


@rule
async def an_id_has_one_spelling(subject: Subject) -> None:
    """A path names a row by its id in decimal digits; another spelling of the number is as unknown as an absent id."""
    row = await subject.created(subject.owner)
    id = str(row["id"])
    for operation in (operation for operation in OPERATIONS if operation.on_row):
        absent = await subject.send(subject.owner, operation, ABSENT)
        expect_error(f"{operation.name} of an absent id", absent, 404)
        for spelling in (f"0_{id}", f"+{id}", f"0{id}", f"%20{id}", f"{id}%0A", f"%C2%A0{id}", id.translate(_ARABIC)):
            answer = await subject.send(subject.owner, operation, spelling)
            expect(f"{operation.name} of {spelling}", seen_in(answer), seen_in(absent))
    expect("the list", await subject.listed(subject.owner), [row])


@rule
async def a_method_that_a_path_lacks_is_a_405(subject: Subject) -> None:
    """What a path does not offer is a 405 in the one form of errors, with the methods that it has in `Allow`."""
    row = await subject.created(subject.owner)
    one = f"{subject.resource.path}/{row['id']}"
    for path, methods in ((subject.resource.path, ("PUT", "PATCH", "DELETE")), (one, ("POST",))):
        for method in methods:
            answer = await subject.owner.request(method, path)
            expect_error(f"{method} {path}", answer, 405)
            allowed = {o.method for o in OPERATIONS if o.on_row is (path == one)}
            expect("Allow", set(answer.headers["allow"].split(", ")) & {o.method for o in OPERATIONS}, allowed)
    expect("the list", await subject.listed(subject.owner), [row])

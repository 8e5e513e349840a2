"""Rules about isolation: a user cannot see, change or detect the rows of another user."""

from datetime import datetime
from itertools import product
from typing import Any

from app.testing.clients import Client
from app.testing.contract.answers import expect, expect_error, row_in, visible_parts, without_updated_at
from app.testing.contract.operations import CHANGES, CREATE, WRITES, Operation, own_operations
from app.testing.contract.resource import ABSENT, ResourceUnderTest
from app.testing.contract.rules import acts_on_rows, changes, has_many, offers, rule, writes

SET_BY_SERVER = ("id", "user_id", "created_at", "updated_at")


@rule()
async def every_operation_needs_a_valid_token(tested: ResourceUnderTest) -> None:
    """A missing or expired token is a 401 with WWW-Authenticate, the same for a missing row. Nothing changes."""
    row = await tested.create_row(tested.owner)
    before = await tested.all_rows()
    for caller in (tested.anonymous, tested.expired):
        for operation in (*tested.operations, *own_operations(tested.resource)):
            options: dict[str, Any] = {"json": await tested.new_body(tested.owner)} if operation.has_body else {}
            there = await tested.send(caller, operation, row["id"], **options)
            absent = await tested.send(caller, operation, ABSENT, **options)
            expect_error(operation.name, there, 401)
            expect(f"{operation.name} of a row and of a missing row", visible_parts(there), visible_parts(absent))
            assert there.headers["www-authenticate"].startswith("Bearer"), f"{operation.name}: no challenge"
    expect("the rows afterwards", await tested.all_rows(), before)


def _options_for(operation: Operation, valid: dict[str, Any]) -> list[dict[str, Any]]:
    bodies: tuple[dict[str, Any], ...] = (valid, {}, {"no such field": 1})
    return [{"json": body} for body in bodies] if operation.has_body else [{}]


@rule(acts_on_rows)
async def another_users_row_is_like_a_missing_row(tested: ResourceUnderTest) -> None:
    """The response for another user's row equals the one for a missing row: status, headers and body."""
    deleted = (await tested.create_row(tested.owner))["id"]
    await tested.delete_row(tested.owner, deleted)
    theirs = (await tested.create_row(tested.owner))["id"]
    valid = await tested.new_body(tested.stranger)
    for operation in (o for o in tested.operations if o.on_row):
        for after, options in product(("", "/", "?nothing=1"), _options_for(operation, valid)):
            there, gone, never = [
                visible_parts(await tested.send(tested.stranger, operation, row_id, after=after, **options))
                for row_id in (theirs, deleted, ABSENT)
            ]
            expect(f"{operation.name} of another user's row and of a missing row", there, never)
            expect(f"{operation.name} of a deleted row and of a missing row", gone, never)
        expect_error(operation.name, await tested.send(tested.stranger, operation, theirs), 404)


@rule(acts_on_rows)
async def another_user_changes_nothing(tested: ResourceUnderTest) -> None:
    """A request to change or delete another user's row has no effect, even if its response is wrong."""
    row = await tested.create_row(tested.owner)
    before = await tested.all_rows()
    for operation in (o for o in tested.operations if o.on_row):
        options: dict[str, Any] = {"json": await tested.new_body(tested.stranger)} if operation.has_body else {}
        await tested.send(tested.stranger, operation, row["id"], **options)
        expect(f"the rows after a stranger's {operation.name}", await tested.all_rows(), before)
    expect("the row that its owner reads", await tested.read_row(tested.owner, row["id"]), row)


async def _rows_of_all_pages(tested: ResourceUnderTest, caller: Client) -> list[object]:
    found, path = [], f"{tested.resource.path}?limit=1&offset=0"
    while path:
        answer = await caller.get(path)
        expect(f"GET {path}", answer.status_code, 200)
        found += answer.json()
        path = answer.links.get("next", {}).get("url", "")
        assert len(found) < 100, "the pages do not end"
    return found


@rule(offers("list"), has_many)
async def a_list_has_only_the_rows_of_the_caller(tested: ResourceUnderTest) -> None:
    """Rows of other users are in no page, no total and no link, and do not shift an offset."""
    counted = {"Prefer": "count=exact"}
    alone = await tested.newcomer.get(tested.resource.path, headers=counted)
    mine, theirs = [], []
    for _ in range(2):
        theirs += [await tested.create_row(tested.owner), await tested.create_row(tested.owner)]
        mine.append(await tested.create_row(tested.stranger))
    theirs.append(await tested.create_row(tested.owner))
    for caller, own in ((tested.stranger, mine), (tested.owner, theirs), (tested.newcomer, [])):
        whole = await caller.get(tested.resource.path, headers=counted)
        expect("the list", whole.json(), own)
        expect("the total", whole.headers["x-total-count"], str(len(own)))
        assert "link" not in whole.headers, f"a Link header on the only page: {whole.headers['link']}"
        expect("the rows of all pages", await _rows_of_all_pages(tested, caller), own)
        behind = await caller.get(f"{tested.resource.path}?offset={len(own)}", headers=counted)
        expect("the page after the last row", behind.json(), [])
        expect("the total after the last row", behind.headers["x-total-count"], str(len(own)))
    crowded = await tested.newcomer.get(tested.resource.path, headers=counted)
    expect("an empty list, before and after other users have rows", visible_parts(crowded), visible_parts(alone))


@rule(writes)
async def fields_that_the_server_sets_are_a_422(tested: ResourceUnderTest) -> None:
    """POST with `id`, `user_id` or times is a 422 that names them; so are PUT and PATCH with other values for them."""
    row = await tested.create_row(tested.owner)
    before = await tested.all_rows()
    given = {name: row[name] for name in SET_BY_SERVER if name in row}
    others = {"id": row["id"] + 1, "user_id": tested.stranger.user, "created_at": None, "updated_at": None}
    wrong = [{name: others[name] for name in given}, *({name: others[name]} for name in given)]
    for operation in tested.offered(WRITES):
        body = await tested.new_body(tested.owner)
        for values in (*wrong, *([given] if operation is CREATE else [])):
            answer = await tested.send(tested.owner, operation, row["id"], json=body | values)
            expect_error(operation.name, answer, 422, *(f"body.{name}" for name in values))
    expect("the rows afterwards", await tested.all_rows(), before)


@rule(changes)
async def a_whole_row_can_be_sent_back(tested: ResourceUnderTest) -> None:
    """PUT and PATCH accept a whole row as it was read. Its `updated_at` acts as If-Match: an old one is a 412."""
    for operation in tested.offered(CHANGES):
        row = await tested.create_row(tested.owner)
        again = row_in(await tested.send(tested.owner, operation, row["id"], json=row))
        expect(f"{operation.name} of the row as it is", again, row)
        other = await tested.new_body(tested.owner)
        changed = {name: other[name] for name in tested.resource.update_schema.model_fields}
        answers = [await tested.send(tested.owner, operation, row["id"], json=row | changed) for _ in range(2)]
        expect(f"{operation.name}, sent twice", row_in(answers[1]), row_in(answers[0]))
        now = row_in(answers[0])
        expect(f"{operation.name} of a changed row", without_updated_at(now), without_updated_at(row | changed))
        if "updated_at" in row and now != row:
            stale = await tested.send(tested.owner, operation, row["id"], json=row)
            expect_error(f"{operation.name} of an old version", stale, 412)
        theirs = await tested.send(tested.stranger, operation, row["id"], json=row)
        absent = await tested.send(tested.stranger, operation, ABSENT, json=row)
        expect("another user's row", visible_parts(theirs), visible_parts(absent))
        expect_error("another user's row", theirs, 404)


@rule(writes)
async def a_row_keeps_its_id_its_owner_and_its_creation_time(tested: ResourceUnderTest) -> None:
    """A row belongs to its creator. A change keeps its id, owner and creation time, and moves `updated_at`."""
    row = await tested.create_row(tested.owner)
    other = await tested.create_row(tested.stranger)
    expect("the owner", (row["user_id"], other["user_id"]), (tested.owner.user, tested.stranger.user))
    assert row["id"] != other["id"], "two rows have the same id"
    for operation in tested.offered(CHANGES):
        body = await tested.new_body(tested.owner)
        changed = row_in(await tested.send(tested.owner, operation, row["id"], json=body))
        kept = [name for name in SET_BY_SERVER if name in row and name != "updated_at"]
        expect(operation.name, [changed[name] for name in kept], [row[name] for name in kept])
        if "updated_at" in row:
            later, earlier = (datetime.fromisoformat(r["updated_at"]) for r in (changed, row))
            assert later > earlier, f"{operation.name}: updated_at did not move"
        expect("the row afterwards", await tested.read_row(tested.owner, row["id"]), changed)
        row = changed
    unchanged = await tested.read_row(tested.stranger, other["id"])
    expect("the other's row", without_updated_at(unchanged), without_updated_at(other))


@rule(offers("create", "delete"))
async def an_id_is_never_used_again(tested: ResourceUnderTest) -> None:
    """The id of a deleted row is never used again: an old link must not lead to another row."""
    given: list[int] = []
    for caller in (tested.owner, tested.owner, tested.stranger):
        row = await tested.create_row(caller)
        assert row["id"] not in given, f"the id {row['id']} of a deleted row was given again"
        given.append(row["id"])
        await tested.delete_row(caller, row["id"])


@rule(offers("create"))
async def two_users_can_store_the_same_values(tested: ResourceUnderTest) -> None:
    """Two users can store the same values: a unique field is unique among the rows of one user."""
    references = [reference.column for reference in tested.references]
    body = await tested.new_body(tested.owner)
    row_in(await tested.send(tested.owner, CREATE, json=body), 201)
    own = {name: value for name, value in (await tested.new_body(tested.stranger)).items() if name in references}
    row_in(await tested.send(tested.stranger, CREATE, json=body | own), 201)


@rule(acts_on_rows)
async def an_impossible_id_is_a_404(tested: ResourceUnderTest) -> None:
    """An id that no row can have (0, negative, too large, not a number) is a 404, like a missing row."""
    for operation in (o for o in tested.operations if o.on_row):
        for row_id in (0, -1, 2**63 - 1, 2**63, 10**30):
            answer = await tested.send(tested.owner, operation, row_id)
            absent = await tested.send(tested.owner, operation, ABSENT)
            expect(f"{operation.name} of {row_id}", visible_parts(answer), visible_parts(absent))
        for name in ("x", "1.5", "1e3", "null", "%00"):
            expect_error(f"{operation.name} of {name}", await tested.send(tested.owner, operation, name), 404)

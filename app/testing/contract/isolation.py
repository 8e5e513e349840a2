"""Rules: nobody sees, changes or guesses at what belongs to somebody else."""

from datetime import datetime
from typing import Any

from app.testing.clients import Client
from app.testing.contract.subject import (
    ABSENT,
    CHANGES,
    CREATE,
    DELETE,
    OPERATIONS,
    WRITES,
    Subject,
    but_for_time,
    expect,
    expect_error,
    row_in,
    rule,
    seen_in,
)

SERVER_GIVEN = ("id", "user_id", "created_at", "updated_at")


@rule
async def without_a_valid_token_nothing_is_said_or_done(subject: Subject) -> None:
    """With no token or an expired one, every operation is a 401 with the challenge, whatever there is, and no more."""
    row = await subject.created(subject.owner)
    before = await subject.stored()
    for caller in (subject.anonymous, subject.expired):
        for operation in OPERATIONS:
            options: dict[str, Any] = {"json": await subject.body(subject.owner)} if operation.has_body else {}
            there = await subject.send(caller, operation, row["id"], **options)
            absent = await subject.send(caller, operation, ABSENT, **options)
            expect_error(operation.name, there, 401)
            expect(f"{operation.name} of a row and of none", seen_in(there), seen_in(absent))
            assert there.headers["www-authenticate"].startswith("Bearer"), f"{operation.name}: no challenge"
    expect("the rows afterwards", await subject.stored(), before)


@rule
async def anothers_row_is_answered_like_none(subject: Subject) -> None:
    """A stranger's answer for another's row is, byte for byte and header for header, that for an id without a row."""
    theirs = (await subject.created(subject.owner))["id"]
    deleted = (await subject.created(subject.owner))["id"]
    expect("delete", (await subject.send(subject.owner, DELETE, deleted)).status_code, 204)
    valid = await subject.body(subject.stranger)
    for operation in (o for o in OPERATIONS if o.on_row):
        bodies: list[dict[str, Any]] = (
            [{"json": b} for b in (valid, {}, {"no such field": 1})] if operation.has_body else [{}]
        )
        for after in ("", "/", "?nothing=1"):
            for options in bodies:
                there, gone, never = [
                    await subject.send(subject.stranger, operation, row_id, after=after, **options)
                    for row_id in (theirs, deleted, ABSENT)
                ]
                expect(f"{operation.name} of another's row and of none", seen_in(there), seen_in(never))
                expect(f"{operation.name} of a deleted row and of none", seen_in(gone), seen_in(never))
        expect_error(operation.name, await subject.send(subject.stranger, operation, theirs), 404)


@rule
async def a_stranger_changes_nothing(subject: Subject) -> None:
    """After a stranger tried to change and to delete a row, and whatever the answers were, it is what it was."""
    row = await subject.created(subject.owner)
    before = await subject.stored()
    for operation in OPERATIONS[2:]:
        options: dict[str, Any] = {"json": await subject.body(subject.stranger)} if operation.has_body else {}
        await subject.send(subject.stranger, operation, row["id"], **options)
        expect(f"the rows after a stranger's {operation.name}", await subject.stored(), before)
    expect("what its owner reads", await subject.read(subject.owner, row["id"]), row)


async def _walk(subject: Subject, caller: Client) -> list[object]:
    """All rows that a caller meets page by page, one on each."""
    found, path = [], f"{subject.resource.path}?limit=1&offset=0"
    while path:
        answer = await caller.get(path)
        expect(f"GET {path}", answer.status_code, 200)
        found += answer.json()
        path = answer.links.get("next", {}).get("url", "")
        assert len(found) < 100, "the pages have no end"
    return found


@rule
async def a_list_holds_the_callers_rows_and_no_hint_of_others(subject: Subject) -> None:
    """Rows of others are in no list and no page, in no total and behind no link; they do not even move an offset."""
    counted = {"Prefer": "count=exact"}
    alone = await subject.newcomer.get(subject.resource.path, headers=counted)
    mine, theirs = [], []
    for _ in range(2):
        theirs += [await subject.created(subject.owner), await subject.created(subject.owner)]
        mine.append(await subject.created(subject.stranger))
    theirs.append(await subject.created(subject.owner))
    for caller, own in ((subject.stranger, mine), (subject.owner, theirs), (subject.newcomer, [])):
        whole = await caller.get(subject.resource.path, headers=counted)
        expect("the list", whole.json(), own)
        expect("the total", whole.headers["x-total-count"], str(len(own)))
        assert "link" not in whole.headers, f"a link where there is one page: {whole.headers['link']}"
        expect("what the pages lead to", await _walk(subject, caller), own)
        behind = await caller.get(f"{subject.resource.path}?offset={len(own)}", headers=counted)
        expect("behind the last row", behind.json(), [])
        expect("the total behind the last row", behind.headers["x-total-count"], str(len(own)))
    crowded = await subject.newcomer.get(subject.resource.path, headers=counted)
    expect("an empty list, before and after others have rows", seen_in(crowded), seen_in(alone))


@rule
async def what_the_server_gives_is_not_accepted(subject: Subject) -> None:
    """`id`, `user_id` and the times in a body are a 422 that names them, also where they say what is so already.

    But a change may have them as they are, see `a_row_can_be_sent_back_whole`.
    """
    row = await subject.created(subject.owner)
    before = await subject.stored()
    given = {name: row[name] for name in SERVER_GIVEN if name in row}
    others = {"id": row["id"] + 1, "user_id": subject.stranger.user, "created_at": None, "updated_at": None}
    wrong = [{name: others[name] for name in given}, *({name: others[name]} for name in given)]
    for operation in WRITES:
        body = await subject.body(subject.owner)
        for values in (*wrong, *([given] if operation is CREATE else [])):
            answer = await subject.send(subject.owner, operation, row["id"], json=body | values)
            expect_error(operation.name, answer, 422, *(f"body.{name}" for name in values))
    expect("the rows afterwards", await subject.stored(), before)


@rule
async def a_row_can_be_sent_back_whole(subject: Subject) -> None:
    """PUT and PATCH take the row as it was read, with what the server has set, and change what differs.

    Its `updated_at` says which state the client has seen: one that is past is a 412.
    """
    for operation in CHANGES:
        row = await subject.created(subject.owner)
        again = row_in(await subject.send(subject.owner, operation, row["id"], json=row))
        expect(f"{operation.name} of the row as it is", again, row)
        other = await subject.body(subject.owner)
        changed = {name: other[name] for name in subject.resource.update_schema.model_fields}
        answers = [await subject.send(subject.owner, operation, row["id"], json=row | changed) for _ in range(2)]
        expect(f"{operation.name}, sent twice", row_in(answers[1]), row_in(answers[0]))
        expect(f"{operation.name} of a changed row", but_for_time(row_in(answers[0])), but_for_time(row | changed))
        if "updated_at" in row and row_in(answers[0]) != row:
            stale = await subject.send(subject.owner, operation, row["id"], json=row)
            expect_error(f"{operation.name} of a row that was changed meanwhile", stale, 412)
        theirs = await subject.send(subject.stranger, operation, row["id"], json=row)
        absent = await subject.send(subject.stranger, operation, ABSENT, json=row)
        expect("somebody else's row", seen_in(theirs), seen_in(absent))
        expect_error("somebody else's row", theirs, 404)


@rule
async def a_row_is_its_creators_and_keeps_its_identity(subject: Subject) -> None:
    """A new row is the caller's with an id of its own; no change moves its id, owner or creation."""
    row = await subject.created(subject.owner)
    other = await subject.created(subject.stranger)
    expect("the owner", (row["user_id"], other["user_id"]), (subject.owner.user, subject.stranger.user))
    assert row["id"] != other["id"], "two rows have one id"
    for operation in CHANGES:
        body = await subject.body(subject.owner)
        changed = row_in(await subject.send(subject.owner, operation, row["id"], json=body))
        kept = [name for name in SERVER_GIVEN if name in row and name != "updated_at"]
        expect(operation.name, [changed[name] for name in kept], [row[name] for name in kept])
        if "updated_at" in row:
            later, earlier = (datetime.fromisoformat(r["updated_at"]) for r in (changed, row))
            assert later > earlier, f"{operation.name}: updated_at did not move"
        expect("what is read afterwards", await subject.read(subject.owner, row["id"]), changed)
        row = changed
    expect("the other's row", but_for_time(await subject.read(subject.stranger, other["id"])), but_for_time(other))


@rule
async def an_id_is_given_once(subject: Subject) -> None:
    """The id of a deleted row is never given again: an old link must not lead to another row, or to another's."""
    given: list[int] = []
    for caller in (subject.owner, subject.owner, subject.stranger):
        row = await subject.created(caller)
        assert row["id"] not in given, f"the id {row['id']} of a deleted row was given again"
        given.append(row["id"])
        expect("delete", (await subject.send(caller, DELETE, row["id"])).status_code, 204)


@rule
async def what_one_has_another_may_have_as_well(subject: Subject) -> None:
    """A body that one user has stored is accepted from every other: what is unique is so for its owner only."""
    references = [reference.column for reference in subject.references]
    body = await subject.body(subject.owner)
    row_in(await subject.send(subject.owner, CREATE, json=body), 201)
    own = {name: value for name, value in (await subject.body(subject.stranger)).items() if name in references}
    row_in(await subject.send(subject.stranger, CREATE, json=body | own), 201)


@rule
async def an_id_that_no_row_can_have_is_a_404(subject: Subject) -> None:
    """0, negative and enormous numbers, and what is no number, are absent like any other id."""
    for operation in (o for o in OPERATIONS if o.on_row):
        for row_id in (0, -1, 2**63 - 1, 2**63, 10**30):
            answer = await subject.send(subject.owner, operation, row_id)
            absent = await subject.send(subject.owner, operation, ABSENT)
            expect(f"{operation.name} of {row_id}", seen_in(answer), seen_in(absent))
        for name in ("x", "1.5", "1e3", "null", "%00"):
            expect_error(f"{operation.name} of {name}", await subject.send(subject.owner, operation, name), 404)

"""Rules about versions: with If-Match, a client cannot overwrite a version that it has not read."""

import re
from typing import Any

from app.core.data.tables.versions import CHANGED_AT
from app.testing.contract.answers import expect, expect_error, row_in, visible_parts
from app.testing.contract.operations import CHANGES, CREATE, DELETE, GET
from app.testing.contract.resource import ABSENT, ResourceUnderTest
from app.testing.contract.rules import changes, has_many, has_versions, offers_any, overwrites, rule

CHANGES_AND_DELETE = (*CHANGES, DELETE)
OTHER_ETAGS = (
    *("", "x", '"x"', "1", "null", '"2026-02-28T12:00:00"', 'W/"x"', '"x", "y"'),
    *('"0001-01-01T00:00:00Z"', '"9999-12-31T23:59:59.999999Z"', '"9999-12-31T23:59:59-23:59"'),
)


def _etag_of(row: dict[str, Any]) -> str:
    return f'"{row[CHANGED_AT]}"'


async def _change(tested: ResourceUnderTest, row: dict[str, Any]) -> dict[str, Any]:
    # As another client would do it: with new values for all fields.
    body = await tested.new_body(tested.owner)
    sent = {name: body[name] for name in tested.resource.update_schema.model_fields if body.get(name) is not None}
    return row_in(await tested.send(tested.owner, tested.offered(CHANGES)[-1], row["id"], json=sent))


@rule(has_versions, offers_any("create", "get", "put", "update"), has_many)
async def a_response_with_one_row_has_its_etag(tested: ResourceUnderTest) -> None:
    """POST, GET, PUT and PATCH return an ETag: `updated_at` in quotes, exactly as in the JSON."""
    row = await tested.create_row(tested.owner)
    answers = [await tested.send(tested.owner, o, row["id"]) for o in tested.offered((GET, *CHANGES))]
    if CREATE in tested.operations:
        answers.append(await tested.send(tested.owner, CREATE, json=await tested.new_body(tested.owner)))
    for answer in answers:
        expect(f"{answer.request.method}: ETag", answer.headers.get("etag"), _etag_of(answer.json()))


@rule(changes)
async def if_match_with_another_version_is_a_412(tested: ResourceUnderTest) -> None:
    """PUT, PATCH and DELETE are a 412 and change nothing if If-Match has the ETag of another version."""
    for operation in tested.offered(CHANGES_AND_DELETE):
        seen = await tested.create_row(tested.owner)
        now = await _change(tested, seen)
        for tag in (_etag_of(seen) if CHANGED_AT in seen else '"x"', *OTHER_ETAGS):
            answer = await tested.send(tested.owner, operation, seen["id"], headers={"If-Match": tag})
            expect_error(f"{operation.name} with If-Match {tag}", answer, 412)
            expect(f"{operation.name} with If-Match {tag}", await tested.read_row(tested.owner, seen["id"]), now)


@rule(overwrites)
async def if_match_with_the_current_version_is_accepted(tested: ResourceUnderTest) -> None:
    """PUT, PATCH and DELETE succeed if If-Match has the current ETag, or `*`."""
    for operation in tested.offered(CHANGES_AND_DELETE):
        row = await tested.create_row(tested.owner)
        for tag in (_etag_of(row) if CHANGED_AT in row else "*", "*"):
            answer = await tested.send(tested.owner, operation, row["id"], headers={"If-Match": tag})
            if operation is DELETE:
                expect(f"{operation.name} with If-Match {tag}", answer.status_code, 204)
                row = await tested.create_row(tested.owner)
            else:
                row = row_in(answer)


def _spellings_of(tag: str) -> tuple[str, ...]:
    return (f"W/{tag}", f'"x", {tag}', f'{tag}, W/"y"', re.sub(r"(\.\d{3})\d*", r"\1", tag))


@rule(has_versions, changes)
async def if_match_accepts_lists_weak_etags_and_milliseconds(tested: ResourceUnderTest) -> None:
    """If-Match accepts a list, a weak ETag, and an ETag whose time was cut to milliseconds by JavaScript's `Date`."""
    for operation in tested.offered(CHANGES_AND_DELETE):
        for number in range(4):
            row = await _change(tested, await tested.create_row(tested.owner))
            tag = _spellings_of(_etag_of(row))[number]
            answer = await tested.send(tested.owner, operation, row["id"], headers={"If-Match": tag})
            expect(f"{operation.name} with If-Match {tag}", answer.status_code, 204 if operation is DELETE else 200)


@rule(changes)
async def a_change_to_the_same_values_keeps_the_version(tested: ResourceUnderTest) -> None:
    """A change to values that the row has already keeps its version, and so its ETag."""
    row = await tested.create_row(tested.owner)
    same = {name: row[name] for name in tested.resource.update_schema.model_fields}
    for operation in tested.offered(CHANGES):
        for body in ({}, same, *({name: value} for name, value in same.items())):
            changed = row_in(await tested.send(tested.owner, operation, row["id"], json=body))
            expect(f"{operation.name}: {list(body)}", changed, row)


@rule(changes)
async def a_change_can_be_repeated_with_the_same_if_match(tested: ResourceUnderTest) -> None:
    """The same change with the same If-Match is a 200 again, for a client that lost the response; another is a 412."""
    for operation in tested.offered(CHANGES):
        row = await tested.create_row(tested.owner)
        other = await tested.new_body(tested.owner)
        body = {name: other[name] for name in tested.resource.update_schema.model_fields}
        tag = {"If-Match": _etag_of(row)} if CHANGED_AT in row else {}
        answers = [await tested.send(tested.owner, operation, row["id"], json=body, headers=tag) for _ in range(3)]
        expect(f"{operation.name}, sent three times", [row_in(answer) for answer in answers], [row_in(answers[0])] * 3)
        if tag and row_in(answers[0]) != row:
            back = {name: row[name] for name in body}
            refused = await tested.send(tested.owner, operation, row["id"], json=back, headers=tag)
            expect_error(f"{operation.name} of something else", refused, 412)
            expect(f"{operation.name}: ETag", refused.headers.get("etag"), _etag_of(row_in(answers[0])))


@rule(has_versions, changes)
async def versions_differ_also_in_milliseconds(tested: ResourceUnderTest) -> None:
    """The times of two versions differ also in milliseconds, because some clients drop the microseconds."""
    row = await tested.create_row(tested.owner)
    if CHANGED_AT in row:
        moments = [row[CHANGED_AT]]
        for _ in range(5):
            before, row = row, await _change(tested, row)
            if row != before:  # a random value can repeat
                moments.append(row[CHANGED_AT])
        cut = [re.sub(r"(\.\d{3})\d*", r"\1", moment) for moment in moments]
        expect("the times in their order", sorted(set(cut)), cut)


@rule(overwrites)
async def if_match_reveals_nothing_about_other_users(tested: ResourceUnderTest) -> None:
    """With any If-Match, another user's row is the same 404 as a missing row."""
    row = await tested.create_row(tested.owner)
    for operation in tested.offered(CHANGES_AND_DELETE):
        for tag in (_etag_of(row) if CHANGED_AT in row else "*", "*", '"x"'):
            theirs = await tested.send(tested.stranger, operation, row["id"], headers={"If-Match": tag})
            none = await tested.send(tested.stranger, operation, ABSENT, headers={"If-Match": tag})
            expect_error(f"{operation.name} with If-Match {tag}", none, 404)
            expect(f"{operation.name} with If-Match {tag}", visible_parts(theirs), visible_parts(none))
    expect("the row", await tested.read_row(tested.owner, row["id"]), row)

"""Rules about actions. The rules about rows, tokens and parameters hold for them as well."""

from typing import Any

from app.core.data.tables.versions import CHANGED_AT
from app.testing.contract.answers import expect, expect_error, row_in, visible_parts, without_updated_at
from app.testing.contract.resource import ABSENT, ResourceUnderTest
from app.testing.contract.rules import has_actions, rule


@rule(has_actions)
async def an_action_returns_the_row_after_the_change(tested: ResourceUnderTest) -> None:
    """An action returns 200, the stored row and its ETag. It moves `updated_at` only if a value changes."""
    for operation in tested.actions:
        row = await tested.create_row(tested.owner)
        for _ in range(3):
            answer = await tested.send(tested.owner, operation, row["id"])
            changed = row_in(answer)
            expect(f"{operation.name}: the fields, in order", list(changed), tested.columns)
            expect(f"{operation.name}: read", await tested.read_row(tested.owner, row["id"]), changed)
            if CHANGED_AT in row:
                expect(f"{operation.name}: ETag", answer.headers.get("etag"), f'"{changed[CHANGED_AT]}"')
                is_same = without_updated_at(changed) == without_updated_at(row)
                expect(f"{operation.name}: the same version", changed[CHANGED_AT] == row[CHANGED_AT], is_same)
            expect(f"{operation.name}: the owner", changed["user_id"], row["user_id"])
            row = changed


@rule(has_actions)
async def an_action_on_another_version_is_a_412(tested: ResourceUnderTest) -> None:
    """With the ETag of another version in If-Match, an action is a 412, or a 200 if the row has the values already."""
    for operation in tested.actions:
        row = await tested.create_row(tested.owner)
        refused = await tested.send(tested.owner, operation, row["id"], headers={"If-Match": '"x"'})
        expect(f"{operation.name}: the row", await tested.read_row(tested.owner, row["id"]), row)
        changed = row_in(await tested.send(tested.owner, operation, row["id"], headers=_current(row)))
        if changed != row or refused.status_code != 200:
            expect_error(f"{operation.name} with If-Match", refused, 412)
        theirs, absent = [
            await tested.send(tested.stranger, operation, row_id, headers={"If-Match": '"x"'})
            for row_id in (row["id"], ABSENT)
        ]
        expect_error(f"{operation.name} of another user's row", theirs, 404)
        expect(f"{operation.name} of another user's row", visible_parts(theirs), visible_parts(absent))


def _current(row: dict[str, Any]) -> dict[str, str]:
    return {"If-Match": f'"{row[CHANGED_AT]}"' if CHANGED_AT in row else "*"}


@rule(has_actions)
async def an_action_refuses_a_body(tested: ResourceUnderTest) -> None:
    """A body, also an empty object, is a 422, because an action would not store it. Nothing changes."""
    row = await tested.create_row(tested.owner)
    before = await tested.all_rows()
    for operation in tested.actions:
        for content in (b"{}", b"null", b"{", b"x" * 10_000):
            for row_id in (row["id"], ABSENT):
                answer = await tested.send(tested.owner, operation, row_id, content=content)
                expect_error(f"{operation.name} of {content[:10]!r}", answer, 422, "body")
    expect("the rows afterwards", await tested.all_rows(), before)

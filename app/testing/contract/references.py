"""Rules about references: a row refers only to rows of the same user."""

from typing import Any

from app.core.data.tables.references import Reference
from app.core.data.tables.versions import CHANGED_AT
from app.testing.contract.answers import expect, expect_error, row_in, visible_parts, without_updated_at
from app.testing.contract.operations import CHANGES, CREATE, DELETE, WRITES
from app.testing.contract.resource import ABSENT, ResourceUnderTest, path_of
from app.testing.contract.rules import has_many, offers, rule, writes

INVALID_IDS: tuple[Any, ...] = (0, -1, 2**63, 10**30, "1", 1.5, True, [], {})


def _accepted_by(tested: ResourceUnderTest, reference: Reference) -> bool:
    return reference.column in tested.resource.create_schema.model_fields


@rule(writes, has_many)
async def a_reference_to_another_users_row_is_like_one_to_a_missing_row(tested: ResourceUnderTest) -> None:
    """A reference to another user's row is the same 422 as one to a missing row, and names the field."""
    row = await tested.create_row(tested.owner)
    for reference in tested.references:
        theirs = await tested.create_target(reference, tested.stranger)
        before = await tested.all_rows()
        for operation in tested.offered(WRITES):
            body = await tested.new_body(tested.owner) if operation is CREATE else {}
            there, absent = [
                await tested.send(tested.owner, operation, row["id"], json=body | {reference.column: target})
                for target in (theirs, ABSENT)
            ]
            label = f"{operation.name}: {reference.column}"
            expect(f"{label}, another user's row and a missing row", visible_parts(there), visible_parts(absent))
            expect_error(label, there, 422, f"body.{reference.column}")
        if reference.model is not tested.resource.model:
            expect("the rows afterwards", await tested.all_rows(), before)


@rule(writes)
async def an_invalid_reference_is_a_422_that_names_it(tested: ResourceUnderTest) -> None:
    """A reference that is not a possible id (0, negative, too large, not an integer) is a 422 that names the field."""
    row = await tested.create_row(tested.owner)
    for reference in tested.references:
        for operation in tested.offered(WRITES):
            for target in INVALID_IDS:
                body = await tested.new_body(tested.owner) if operation is CREATE else {}
                body |= {reference.column: target}
                answer = await tested.send(tested.owner, operation, row["id"], json=body)
                expect_error(f"{operation.name}: {target}", answer, 422, f"body.{reference.column}")


@rule(writes)
async def a_reference_to_a_row_of_the_same_user_is_stored(tested: ResourceUnderTest) -> None:
    """POST, PUT and PATCH store a reference to a row of the same user, and each response contains it."""
    for reference in (r for r in tested.references if _accepted_by(tested, r)):
        target = await tested.create_target(reference, tested.owner)
        row = await tested.create_row(tested.owner, **{reference.column: target})
        expect(f"POST: {reference.column}", row[reference.column], target)
        for operation in tested.offered(CHANGES):
            target = await tested.create_target(reference, tested.owner)
            answer = await tested.send(tested.owner, operation, row["id"], json={reference.column: target})
            row = row_in(answer)
            expect(f"{operation.name}: {reference.column}", row[reference.column], target)
            expect("the row afterwards", await tested.read_row(tested.owner, row["id"]), row)


async def _expect_a_new_version(tested: ResourceUnderTest, before: dict[str, Any], now: dict[str, Any]) -> None:
    # A client that has read the row before the deletion must not overwrite the cleared reference.
    if CHANGED_AT in before:
        expect("updated_at is later", now[CHANGED_AT] > before[CHANGED_AT], True)
    if CHANGED_AT in before and DELETE in tested.operations:
        tag = {"If-Match": f'"{before[CHANGED_AT]}"'}
        expect_error("DELETE with the old ETag", await tested.send(tested.owner, DELETE, now["id"], headers=tag), 412)


async def _expect_on_delete(tested: ResourceUnderTest, reference: Reference, row: dict[str, Any]) -> None:
    if reference.on_delete == "cascade":
        expect_error("the row", await tested.owner.get(f"{tested.resource.path}/{row['id']}"), 404)
        return
    now = await tested.read_row(tested.owner, row["id"])
    if reference.on_delete == "set null":
        expect("the row", without_updated_at(now), without_updated_at(row | {reference.column: None}))
        await _expect_a_new_version(tested, row, now)
    else:
        expect("the row", now, row)


@rule(offers("create", "get"))
async def deleting_a_referenced_row_obeys_on_delete(tested: ResourceUnderTest) -> None:
    """`on_delete` decides: DELETE of a referenced row is a 409, clears the reference, or deletes the row as well."""
    for reference in (r for r in tested.references if _accepted_by(tested, r)):
        path = path_of(reference.model, DELETE)
        if path is None:
            continue  # it cannot be deleted over HTTP
        target = await tested.create_target(reference, tested.owner)
        row = await tested.create_row(tested.owner, **{reference.column: target})
        other = await tested.create_row(tested.owner)
        expect_error("a stranger's DELETE", await tested.stranger.delete(f"{path}/{target}"), 404)
        expect("the row after a stranger's DELETE", await tested.read_row(tested.owner, row["id"]), row)
        answer = await tested.owner.delete(f"{path}/{target}")
        if reference.on_delete == "restrict":
            expect_error("DELETE of the referenced row", answer, 409)
            expect("the referenced row", (await tested.owner.get(f"{path}/{target}")).status_code, 200)
        else:
            expect("DELETE of the referenced row", answer.status_code, 204)
        await _expect_on_delete(tested, reference, row)
        expect("a row with another reference", await tested.read_row(tested.owner, other["id"]), other)

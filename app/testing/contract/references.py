"""Rules: a row refers to rows of its own owner, and tells nothing about any other."""

from typing import Any

from app.core.data.tables.references import Reference
from app.core.data.tables.versions import CHANGED_AT
from app.testing.contract.answers import expect, expect_error, row_in, visible_parts, without_updated_at
from app.testing.contract.operations import CHANGES, CREATE, DELETE, WRITES
from app.testing.contract.resource import ABSENT, ResourceUnderTest, path_of
from app.testing.contract.rules import offers, rule, writes

INVALID_IDS: tuple[Any, ...] = (0, -1, 2**63, 10**30, "1", 1.5, True, [], {})


def _accepted_by(tested: ResourceUnderTest, reference: Reference) -> bool:
    return reference.column in tested.resource.create_schema.model_fields


@rule(writes)
async def a_reference_to_another_users_row_is_like_one_to_a_missing_row(tested: ResourceUnderTest) -> None:
    """A reference to somebody else's row is answered like one to none: a 422 that names it; nothing changes."""
    row = await tested.created(tested.owner)
    for reference in tested.references:
        theirs = await tested.referenced(reference, tested.stranger)
        before = await tested.stored()
        for operation in tested.offered(WRITES):
            body = await tested.body(tested.owner) if operation is CREATE else {}
            there, absent = [
                await tested.send(tested.owner, operation, row["id"], json=body | {reference.column: target})
                for target in (theirs, ABSENT)
            ]
            what = f"{operation.name}: {reference.column}"
            expect(f"{what}, another's and none", visible_parts(there), visible_parts(absent))
            expect_error(what, there, 422, f"body.{reference.column}")
        if reference.model is not tested.resource.model:
            expect("the rows afterwards", await tested.stored(), before)


@rule(writes)
async def an_invalid_reference_is_a_422_that_names_it(tested: ResourceUnderTest) -> None:
    """0, negative and enormous numbers, and what is no integer, are a 422 that names the reference."""
    row = await tested.created(tested.owner)
    for reference in tested.references:
        for operation in tested.offered(WRITES):
            for target in INVALID_IDS:
                body = await tested.body(tested.owner) if operation is CREATE else {}
                body |= {reference.column: target}
                answer = await tested.send(tested.owner, operation, row["id"], json=body)
                expect_error(f"{operation.name}: {target}", answer, 422, f"body.{reference.column}")


@rule(writes)
async def a_reference_to_a_row_of_the_same_user_is_stored(tested: ResourceUnderTest) -> None:
    """A row refers to any row of its owner's, from its creation or by a change, and says so whenever it is read."""
    for reference in (r for r in tested.references if _accepted_by(tested, r)):
        target = await tested.referenced(reference, tested.owner)
        row = await tested.created(tested.owner, **{reference.column: target})
        expect(f"POST: {reference.column}", row[reference.column], target)
        for operation in tested.offered(CHANGES):
            target = await tested.referenced(reference, tested.owner)
            answer = await tested.send(tested.owner, operation, row["id"], json={reference.column: target})
            row = row_in(answer)
            expect(f"{operation.name}: {reference.column}", row[reference.column], target)
            expect("what is read afterwards", await tested.read(tested.owner, row["id"]), row)


async def _expect_a_new_version(tested: ResourceUnderTest, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Expect that a client which has seen the row before does not overwrite what became of it."""
    if CHANGED_AT in before:
        expect("the state of the row is another", now[CHANGED_AT] > before[CHANGED_AT], True)
    if CHANGED_AT in before and DELETE in tested.operations:
        tag = {"If-Match": f'"{before[CHANGED_AT]}"'}
        expect_error("DELETE by its former tag", await tested.send(tested.owner, DELETE, now["id"], headers=tag), 412)


@rule(offers("create", "get"))
async def deleting_a_referenced_row_obeys_on_delete(tested: ResourceUnderTest) -> None:
    """It clears the reference, deletes the row too, or is a 409, as declared; rows that refer elsewhere stay."""
    for reference in (r for r in tested.references if _accepted_by(tested, r)):
        path = path_of(reference.model, DELETE)
        if path is None:
            continue  # nobody can delete it over HTTP
        target = await tested.referenced(reference, tested.owner)
        row = await tested.created(tested.owner, **{reference.column: target})
        elsewhere = await tested.created(tested.owner)
        expect_error("a stranger's DELETE", await tested.stranger.delete(f"{path}/{target}"), 404)
        expect("the row after a stranger's DELETE", await tested.read(tested.owner, row["id"]), row)
        answer = await tested.owner.delete(f"{path}/{target}")
        if reference.on_delete == "restrict":
            expect_error("DELETE of what is referenced to", answer, 409)
            expect("the row", await tested.read(tested.owner, row["id"]), row)
            expect("what it refers to", (await tested.owner.get(f"{path}/{target}")).status_code, 200)
        else:
            expect("DELETE of what is referenced to", answer.status_code, 204)
        if reference.on_delete == "set null":
            left = await tested.read(tested.owner, row["id"])
            expect("the row", without_updated_at(left), without_updated_at(row | {reference.column: None}))
            await _expect_a_new_version(tested, row, left)
        if reference.on_delete == "cascade":
            expect_error("the row", await tested.owner.get(f"{tested.resource.path}/{row['id']}"), 404)
        expect("a row that refers elsewhere", await tested.read(tested.owner, elsewhere["id"]), elsewhere)

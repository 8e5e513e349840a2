"""Rules about request bodies, and the rows that they create, change and delete."""

from typing import Any

from app.testing.contract.answers import expect, expect_error, row_in, visible_parts, without_updated_at
from app.testing.contract.operations import CHANGES, CREATE, DELETE, GET, WRITES
from app.testing.contract.resource import ABSENT, ResourceUnderTest
from app.testing.contract.rules import changes, has_many, offers, rule, writes

NOT_OBJECTS = (b"", b" ", b"{", b'{"', b"nothing", b"[]", b"[{}]", b"null", b"1", b'"x"', b"true", b"\xff", b"{}{}")
JSON = {"content-type": "application/json"}
MARK = "4711"
VALUES_WITH_MARK: tuple[Any, ...] = ({MARK: MARK}, [MARK], [[[MARK]]], MARK * 6000, f"{MARK}\0", int(MARK) * 10**300)
NOT_PLAIN_JSON: tuple[dict[str, str], ...] = (
    {},
    {"content-type": "text/plain"},
    {"content-type": "application/x-www-form-urlencoded"},
    {**JSON, "content-encoding": "gzip"},
)


async def _other_values(tested: ResourceUnderTest) -> dict[str, Any]:
    # New values for each field of the update schema, in the form of a response. No row has them.
    other = await tested.create_row(tested.owner)
    await tested.delete_row(tested.owner, other["id"])
    return {name: other[name] for name in tested.resource.update_schema.model_fields if name in other}


@rule(offers("create", "get"))
async def location_leads_to_the_new_row(tested: ResourceUnderTest) -> None:
    """POST returns 201, the row and a Location. GET of that Location and the list return the same row."""
    answer = await tested.send(tested.owner, CREATE, json=await tested.new_body(tested.owner))
    row = row_in(answer, 201)
    expect("Location", answer.headers["location"], f"{tested.resource.path}/{row['id']}")
    expect("the fields, in order", list(row), tested.columns)
    found = await tested.owner.get(answer.headers["location"])
    expect("the row there", (found.status_code, found.content), (200, answer.content))
    expect("the list", await tested.list_rows(tested.owner), [row])


@rule(changes)
async def null_clears_nullable_fields_only(tested: ResourceUnderTest) -> None:
    """PUT and PATCH accept null for a nullable field and clear it. For any other field, null is a 422 that names it."""
    for operation in tested.offered(CHANGES):
        for name in tested.resource.update_schema.model_fields.keys() & tested.nullable.keys():
            row = await tested.create_row(tested.owner)
            answer = await tested.send(tested.owner, operation, row["id"], json={name: None})
            if tested.nullable[name]:
                cleared = row_in(answer)
                expected = without_updated_at(row | {name: None})
                expect(f"{operation.name}: {name}", without_updated_at(cleared), expected)
                row = cleared
            else:
                expect_error(f"{operation.name}: {name}", answer, 422, f"body.{name}")
            expect(f"{operation.name}: {name}, read", await tested.read_row(tested.owner, row["id"]), row)
            await tested.delete_row(tested.owner, row["id"])


@rule(offers("create"))
async def a_new_row_needs_only_the_required_fields(tested: ResourceUnderTest) -> None:
    """POST needs only the required fields; a missing one is a 422 that names it. Null is for nullable fields only."""
    for name, field in tested.resource.create_schema.model_fields.items():
        body = await tested.new_body(tested.owner)
        lacking = {key: value for key, value in body.items() if key != name}
        for sent, accepted in ((lacking, not field.is_required()), (body | {name: None}, tested.nullable.get(name))):
            answer = await tested.send(tested.owner, CREATE, json=sent)
            if accepted is None:
                continue  # not a column: the noun decides about null
            if accepted:
                row = row_in(answer, 201)
                await tested.delete_row(tested.owner, row["id"])
            else:
                expect_error(f"POST: {name}", answer, 422, f"body.{name}")
    expect("the rows afterwards", await tested.list_rows(tested.owner), [])


@rule(changes)
async def put_and_patch_change_only_the_fields_sent(tested: ResourceUnderTest) -> None:
    """PUT and PATCH set the fields that were sent, keep all others, and return the whole row."""
    for name, value in (await _other_values(tested)).items():
        for operation in tested.offered(CHANGES):
            row = await tested.create_row(tested.owner)
            changed = row_in(await tested.send(tested.owner, operation, row["id"], json={name: value}))
            expect(f"{operation.name}: {name}", without_updated_at(changed), without_updated_at(row | {name: value}))
            expect(f"{operation.name}: {name}, read", await tested.read_row(tested.owner, row["id"]), changed)
            await tested.delete_row(tested.owner, row["id"])


@rule(offers("put", "update"))
async def put_and_patch_respond_alike(tested: ResourceUnderTest) -> None:
    """PUT and PATCH with the same body have the same status, headers and row; only the times differ."""
    values = await _other_values(tested)
    row = await tested.create_row(tested.owner)
    sent: list[dict[str, Any]] = [values, {}, {"no such field": 1}, dict.fromkeys(values), {key: [] for key in values}]
    for body in sent:
        for row_id in (row["id"], ABSENT):
            put, patch = [await tested.send(tested.owner, o, row_id, json=body) for o in tested.offered(CHANGES)]
            for answer in (put, patch):  # it contains the time
                answer.headers.pop("etag", None)
            expect(f"PUT and PATCH of {body}", without_updated_at(put.json()), without_updated_at(patch.json()))
            expect(f"headers of PUT and PATCH of {body}", visible_parts(put)[::2], visible_parts(patch)[::2])


@rule(changes, offers("get"))
async def an_empty_object_changes_nothing(tested: ResourceUnderTest) -> None:
    """PUT and PATCH of `{}` return 200 and the unchanged row, with the same `updated_at`."""
    row = await tested.create_row(tested.owner)
    before = await tested.send(tested.owner, GET, row["id"])
    for operation in tested.offered(CHANGES):
        answer = await tested.send(tested.owner, operation, row["id"], json={})
        expect(operation.name, (answer.status_code, answer.content), (200, before.content))
    after = await tested.send(tested.owner, GET, row["id"])
    expect("the row afterwards", visible_parts(after), visible_parts(before))


@rule(writes)
async def a_body_that_is_not_an_object_is_a_422(tested: ResourceUnderTest) -> None:
    """A body that is not a JSON object is a 422; a compressed one, or one that is not JSON, is a 415."""
    row = await tested.create_row(tested.owner)
    before = await tested.all_rows()
    for operation in tested.offered(WRITES):
        for content in NOT_OBJECTS:
            answer = await tested.send(tested.owner, operation, row["id"], content=content, headers=JSON)
            expect_error(f"{operation.name} of {content!r}", answer, 422)
        for headers in NOT_PLAIN_JSON:
            answer = await tested.send(tested.owner, operation, row["id"], content=b"{}", headers=headers)
            expect_error(f"{operation.name} as {headers}", answer, 415)
    expect("the rows afterwards", await tested.all_rows(), before)


@rule(writes)
async def an_unknown_field_is_a_422_that_names_it(tested: ResourceUnderTest) -> None:
    """A field that the schema lacks, also one that differs only in case, is a 422 that names it. Nothing changes."""
    row = await tested.create_row(tested.owner)
    before = await tested.all_rows()
    for operation in tested.offered(WRITES):
        body = await tested.new_body(tested.owner)
        for name in ("no such field", next(iter(body)).upper(), "", "__class__", "owner", "userId"):
            answer = await tested.send(tested.owner, operation, row["id"], json=body | {name: 1})
            expect_error(f"{operation.name} with {name!r}", answer, 422, f"body.{name}")
    expect("the rows afterwards", await tested.all_rows(), before)


@rule(writes)
async def an_error_never_repeats_the_values_sent(tested: ResourceUnderTest) -> None:
    """A 422 names the invalid field and never contains its value, which may be private."""
    for operation in tested.offered(WRITES):
        body = await tested.new_body(tested.owner)
        for name in body:
            for wrong in VALUES_WITH_MARK:
                answer = await tested.send(tested.owner, operation, json=body | {name: wrong})
                if answer.status_code == (201 if operation is CREATE else 404):
                    continue  # the field accepts this value; the row to change does not exist
                expect_error(f"{operation.name}: {name}", answer, 422)
                assert MARK not in answer.text, f"{operation.name}: the response repeats the value of {name}"


@rule(offers("delete"), has_many)
async def a_deleted_row_is_a_404(tested: ResourceUnderTest) -> None:
    """DELETE returns an empty 204. Afterwards every operation on the row is a 404, also a second DELETE."""
    kept, row = await tested.create_row(tested.owner), await tested.create_row(tested.owner)
    answer = await tested.send(tested.owner, DELETE, row["id"])
    expect("the first time", (answer.status_code, answer.content), (204, b""))
    for operation in tested.offered((DELETE, GET, *CHANGES)):
        expect_error(f"{operation.name} afterwards", await tested.send(tested.owner, operation, row["id"]), 404)
    expect("the list", await tested.list_rows(tested.owner), [kept])

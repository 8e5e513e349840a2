"""Rules: what a body may say, what of it is stored, and what comes back."""

from typing import Any

from app.testing.contract.answers import expect, expect_error, row_in, visible_parts, without_updated_at
from app.testing.contract.operations import CHANGES, CREATE, DELETE, GET, WRITES
from app.testing.contract.resource import ABSENT, ResourceUnderTest
from app.testing.contract.rules import changes, offers, rule, writes

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
    """Values for each field of the update schema, in the form in which they are answered; no row has them."""
    other = await tested.created(tested.owner)
    await tested.delete(tested.owner, other["id"])
    return {name: other[name] for name in tested.resource.update_schema.model_fields if name in other}


@rule(offers("create", "get"))
async def location_leads_to_the_new_row(tested: ResourceUnderTest) -> None:
    """POST answers 201 with the row and a Location that leads to it; everything that reads it says the same."""
    answer = await tested.send(tested.owner, CREATE, json=await tested.body(tested.owner))
    row = row_in(answer, 201)
    expect("Location", answer.headers["location"], f"{tested.resource.path}/{row['id']}")
    expect("the fields, in order", list(row), tested.columns)
    found = await tested.owner.get(answer.headers["location"])
    expect("what is found there", (found.status_code, found.content), (200, answer.content))
    expect("the list", await tested.listed(tested.owner), [row])


@rule(changes)
async def null_clears_nullable_fields_only(tested: ResourceUnderTest) -> None:
    """PUT and PATCH take null for a nullable column, which is then empty, and are a 422 that names any other."""
    for operation in tested.offered(CHANGES):
        for name in tested.resource.update_schema.model_fields.keys() & tested.nullable.keys():
            row = await tested.created(tested.owner)
            answer = await tested.send(tested.owner, operation, row["id"], json={name: None})
            if tested.nullable[name]:
                cleared = row_in(answer)
                expected = without_updated_at(row | {name: None})
                expect(f"{operation.name}: {name}", without_updated_at(cleared), expected)
                row = cleared
            else:
                expect_error(f"{operation.name}: {name}", answer, 422, f"body.{name}")
            expect(f"{operation.name}: {name}, read", await tested.read(tested.owner, row["id"]), row)
            await tested.delete(tested.owner, row["id"])


@rule(offers("create"))
async def a_new_row_needs_only_the_required_fields(tested: ResourceUnderTest) -> None:
    """POST wants the required fields and names one that is missing; null is for nullable columns only."""
    for name, field in tested.resource.create_schema.model_fields.items():
        body = await tested.body(tested.owner)
        lacking = {key: value for key, value in body.items() if key != name}
        for sent, accepted in ((lacking, not field.is_required()), (body | {name: None}, tested.nullable.get(name))):
            answer = await tested.send(tested.owner, CREATE, json=sent)
            if accepted is None:
                continue  # no column: what null means there is the noun's own affair
            if accepted:
                row = row_in(answer, 201)
                await tested.delete(tested.owner, row["id"])
            else:
                expect_error(f"POST: {name}", answer, 422, f"body.{name}")
    expect("the rows afterwards", await tested.listed(tested.owner), [])


@rule(changes)
async def put_and_patch_change_only_the_fields_sent(tested: ResourceUnderTest) -> None:
    """PUT and PATCH do the same: they set the fields that were sent, keep the others, and answer the row as it is."""
    for name, value in (await _other_values(tested)).items():
        for operation in tested.offered(CHANGES):
            row = await tested.created(tested.owner)
            changed = row_in(await tested.send(tested.owner, operation, row["id"], json={name: value}))
            expect(f"{operation.name}: {name}", without_updated_at(changed), without_updated_at(row | {name: value}))
            expect(f"{operation.name}: {name}, read", await tested.read(tested.owner, row["id"]), changed)
            await tested.delete(tested.owner, row["id"])


@rule(offers("put", "update"))
async def put_and_patch_respond_alike(tested: ResourceUnderTest) -> None:
    """One body, sent with PUT or with PATCH, is answered by the same status, headers and row, but for the time."""
    values = await _other_values(tested)
    row = await tested.created(tested.owner)
    sent: list[dict[str, Any]] = [values, {}, {"no such field": 1}, dict.fromkeys(values), {key: [] for key in values}]
    for body in sent:
        for row_id in (row["id"], ABSENT):
            put, patch = [await tested.send(tested.owner, o, row_id, json=body) for o in tested.offered(CHANGES)]
            for answer in (put, patch):  # which tells the time as well
                answer.headers.pop("etag", None)
            expect(f"PUT and PATCH of {body}", without_updated_at(put.json()), without_updated_at(patch.json()))
            expect(f"headers of PUT and PATCH of {body}", visible_parts(put)[::2], visible_parts(patch)[::2])


@rule(changes, offers("get"))
async def an_empty_object_changes_nothing(tested: ResourceUnderTest) -> None:
    """PUT and PATCH of `{}` are a 200 with the row, which stays as it was to the last byte, its times included."""
    row = await tested.created(tested.owner)
    before = await tested.send(tested.owner, GET, row["id"])
    for operation in tested.offered(CHANGES):
        answer = await tested.send(tested.owner, operation, row["id"], json={})
        expect(operation.name, (answer.status_code, answer.content), (200, before.content))
    after = await tested.send(tested.owner, GET, row["id"])
    expect("the row afterwards", visible_parts(after), visible_parts(before))


@rule(writes)
async def a_body_that_is_not_an_object_is_a_422(tested: ResourceUnderTest) -> None:
    """Nothing, half of something, a list: a 422, and nothing is stored; what is compressed or not JSON is a 415."""
    row = await tested.created(tested.owner)
    before = await tested.stored()
    for operation in tested.offered(WRITES):
        for content in NOT_OBJECTS:
            answer = await tested.send(tested.owner, operation, row["id"], content=content, headers=JSON)
            expect_error(f"{operation.name} of {content!r}", answer, 422)
        for headers in NOT_PLAIN_JSON:
            answer = await tested.send(tested.owner, operation, row["id"], content=b"{}", headers=headers)
            expect_error(f"{operation.name} as {headers}", answer, 415)
    expect("the rows afterwards", await tested.stored(), before)


@rule(writes)
async def an_unknown_field_is_a_422_that_names_it(tested: ResourceUnderTest) -> None:
    """A field that the schema lacks, also one that differs by case, is refused beside valid ones; nothing changes."""
    row = await tested.created(tested.owner)
    before = await tested.stored()
    for operation in tested.offered(WRITES):
        body = await tested.body(tested.owner)
        for name in ("no such field", next(iter(body)).upper(), "", "__class__", "owner", "userId"):
            answer = await tested.send(tested.owner, operation, row["id"], json=body | {name: 1})
            expect_error(f"{operation.name} with {name!r}", answer, 422, f"body.{name}")
    expect("the rows afterwards", await tested.stored(), before)


@rule(writes)
async def an_error_never_repeats_the_values_sent(tested: ResourceUnderTest) -> None:
    """A 422 names the field that is wrong, and never the value: logs and screens are not for what users wrote."""
    for operation in tested.offered(WRITES):
        body = await tested.body(tested.owner)
        for name in body:
            for wrong in VALUES_WITH_MARK:
                answer = await tested.send(tested.owner, operation, json=body | {name: wrong})
                if answer.status_code == (201 if operation is CREATE else 404):
                    continue  # the field takes lists or objects; the row to change is not there
                expect_error(f"{operation.name}: {name}", answer, 422)
                assert MARK not in answer.text, f"{operation.name}: the answer repeats the value of {name}"


@rule(offers("delete"))
async def a_deleted_row_is_a_404(tested: ResourceUnderTest) -> None:
    """DELETE is an empty 204, and the row is gone: a second one, and every other operation on it, is a 404."""
    kept, row = await tested.created(tested.owner), await tested.created(tested.owner)
    answer = await tested.send(tested.owner, DELETE, row["id"])
    expect("the first time", (answer.status_code, answer.content), (204, b""))
    for operation in tested.offered((DELETE, GET, *CHANGES)):
        expect_error(f"{operation.name} afterwards", await tested.send(tested.owner, operation, row["id"]), 404)
    expect("the list", await tested.listed(tested.owner), [kept])

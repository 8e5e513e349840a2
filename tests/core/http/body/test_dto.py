"""The DTO layer: which bodies are read, how strictly, and what `left out` means."""

import json
from typing import Any

import pytest
from pydantic import ValidationError
from sqlmodel import Field, SQLModel

from app.core.data.ownership.session import AppSession
from app.core.http.body.dto import CreateSchema, UpdateSchema
from app.testing.clients import Client, assert_error
from app.testing.factories import factory_of
from tests.core.http.bodies import Resource, valid_body, writes
from tests.parts.resources import one_resource

JSON = {"content-type": "application/json"}


class Fields(SQLModel):
    """What the schemas below share."""

    name: str = Field(min_length=2, max_length=5)
    note: str | None = Field(default=None, max_length=5)
    count: int = Field(default=3, ge=1)
    tags: list[str] = Field(default_factory=list)


class Creation(Fields, CreateSchema):
    """Creates."""


class Change(Fields, UpdateSchema):
    """Changes."""


@pytest.mark.parametrize(
    ("sent", "changes"),
    [
        ("{}", {}),
        ('{"note": null}', {"note": None}),
        ('{"note": "abc"}', {"note": "abc"}),
        ('{"count": 5, "name": "ab"}', {"name": "ab", "count": 5}),
        ('{"tags": []}', {"tags": []}),
    ],
)
def test_a_change_holds_what_was_sent_and_nothing_else(sent: str, changes: dict[str, Any]) -> None:
    assert Change.model_validate_json(sent).model_dump(exclude_unset=True) == changes


@pytest.mark.parametrize(
    ("sent", "field", "kind"),
    [
        ('{"name": null}', "name", "string_type"),
        ('{"count": null}', "count", "int_type"),
        ('{"tags": null}', "tags", "list_type"),
        ('{"name": "a"}', "name", "string_too_short"),
        ('{"note": "abcdef"}', "note", "string_too_long"),
        ('{"count": 0}', "count", "greater_than_equal"),
        ('{"count": "5"}', "count", "int_type"),
        ('{"count": true}', "count", "int_type"),
        ('{"other": 1}', "other", "extra_forbidden"),
    ],
)
def test_a_change_obeys_the_rules_of_its_fields(sent: str, field: str, kind: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Change.model_validate_json(sent)

    assert [(e["loc"], e["type"]) for e in caught.value.errors()] == [((field,), kind)]


def test_a_change_does_not_alter_the_fields_that_it_shares() -> None:
    assert Creation.model_validate_json('{"name": "ab"}').model_dump() == {
        "name": "ab",
        "note": None,
        "count": 3,
        "tags": [],
    }
    with pytest.raises(ValidationError, match="Field required"):
        Creation.model_validate_json("{}")


MOMENT = "2026-02-28T12:00:00Z"


@pytest.mark.any_database
@one_resource
async def test_a_field_that_is_not_the_clients_to_set_is_refused(
    client: Client, db: AppSession, resource: Resource
) -> None:
    row = await factory_of(resource.model).create_async(user_id="alice")
    body = await valid_body(client, resource)
    mine = row.model_dump(mode="json").keys() - body.keys()
    assert {"id", "user_id"} <= mine

    for name in {*mine, "nothing", ""}:
        for method, path in writes(resource, row.id or 0):
            kind = "read_only" if name in mine and method != "POST" else "extra_forbidden"
            wrong: tuple[Any, ...] = (
                None,
                [],
                {},
                0,
                "",
                "x",
                "\x00",
                "9999-12-31T23:59:59Z",
                MOMENT,
                10**400,
                1.5,
                True,
            )
            for value in wrong:
                answer = await client.request(method, path, json=body | {name: value})

                if (name, value) == ("updated_at", MOMENT) and method != "POST":
                    assert_error(answer, 412)  # a time, but not that of this state
                    continue
                (error,) = assert_error(answer, 422)["errors"]
                assert (error["loc"], error["type"]) == (["body", name], kind)


BAD_BODIES = {
    "empty": b"",
    "spaces": b"  ",
    "null": b"null",
    "number": b"1",
    "text": b'"{}"',
    "array": b"[]",
    "array of objects": b"[{}]",
    "cut off": b'{"',
    "single quotes": b"{'a': 1}",
    "comma at the end": b'{"a": 1,}',
    "comment": b"{} // yes",
    "not a number": b'{"a": NaN}',
    "infinity": b'{"a": -Infinity}',
    "number beyond all": b'{"a": ' + b"9" * 5000 + b"}",
    "deep array": b"[" * 50_000,
    "deep and closed": b'{"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "deep object": b'{"a":' * 50_000,
    "broken UTF-8": b'{"a": "\xff"}',
    "overlong UTF-8": b'{"a": "\xc0\xaf"}',
    "UTF-8 of a surrogate": b'{"a": "\xed\xa0\x80"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "lone surrogate": b'{"a": "\\ud800"}',
    "lone surrogate in a name": b'{"\\udfff": 1}',
    "raw control character": b'{"a": "\x01"}',
    "raw NUL": b'{"a": "\0"}',
    "NUL behind": b"{}\0",
    "text behind": b"{} x",
    "two documents": b"{}{}",
}


@pytest.mark.any_database
@one_resource
@pytest.mark.parametrize("content", BAD_BODIES.values(), ids=list(BAD_BODIES))
async def test_a_body_that_is_no_json_object_is_a_422(
    client: Client, db: AppSession, resource: Resource, content: bytes
) -> None:
    row = await factory_of(resource.model).create_async(user_id="alice")

    for method, path in writes(resource, row.id or 0):
        answer = await client.request(method, path, content=content, headers=JSON)
        assert assert_error(answer, 422)["errors"][0]["loc"][0] == "body"


@one_resource
@pytest.mark.parametrize(
    "text", ["\0", "a\0b", "\ud800", "a" * 1_000_000], ids=["NUL", "NUL inside", "surrogate", "too large"]
)
async def test_a_text_that_a_database_could_not_store_is_a_4xx_on_both(
    client: Client, resource: Resource, text: str
) -> None:
    body = await valid_body(client, resource)
    for name in (name for name, value in body.items() if isinstance(value, str)):
        content = json.dumps(body | {name: text})
        assert_error(await client.post(resource.path, content=content, headers=JSON), 413 if len(text) > 1000 else 422)

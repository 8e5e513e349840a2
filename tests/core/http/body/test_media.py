"""Media: a body is read if it is plain JSON in UTF-8 and says so; any other is a 415, which says what would be read."""

import gzip
import json
from typing import Final

import pytest

from app.core.data.ownership.session import AppSession
from app.testing.clients import Client, assert_error
from app.testing.factories import factory_of
from tests.core.http.bodies import Resource, valid_body, writes
from tests.parts.resources import one_resource

Lines = list[tuple[str, str]]

JSON: Final = ("Content-Type", "application/json")
GOOD: Final[dict[str, Lines]] = {
    "JSON": [JSON],
    "in UTF-8": [("Content-Type", "application/json; charset=utf-8")],
    "in UTF-8, quoted": [("Content-Type", 'application/json;CHARSET="UTF-8"')],
    "in ASCII": [("Content-Type", "application/json; charset=us-ascii")],
    "in capitals": [("Content-Type", "Application/JSON")],
    "with an unknown parameter": [("Content-Type", "application/json; version=1")],
    "not compressed": [JSON, ("Content-Encoding", "identity")],
    "not compressed, twice": [JSON, ("Content-Encoding", "Identity, identity"), ("Content-Encoding", "")],
}
NOT_JSON: Final[dict[str, Lines]] = {
    "nothing": [],
    "empty": [("Content-Type", "")],
    "text": [("Content-Type", "text/plain")],
    "a relative": [("Content-Type", "text/json")],
    "a form": [("Content-Type", "application/x-www-form-urlencoded")],
    "a form in parts": [("Content-Type", "multipart/form-data; boundary=x")],
    "a longer name": [("Content-Type", "application/jsonx")],
    "binary": [("Content-Type", "application/msgpack")],
    "JSON as a parameter": [("Content-Type", "text/plain; application/json")],
    "twice": [JSON, JSON],
    "two things": [JSON, ("Content-Type", "text/plain")],
    "two things, the other way round": [("Content-Type", "text/plain"), JSON],
    "a list": [("Content-Type", "application/json, application/json")],
    "another charset": [("Content-Type", "application/json; charset=iso-8859-1")],
    "another charset besides": [("Content-Type", "application/json; charset=utf-8; charset=utf-16")],
    "an empty charset": [("Content-Type", "application/json; charset=")],
}
COMPRESSED: Final[dict[str, Lines]] = {
    "gzip": [JSON, ("Content-Encoding", "gzip")],
    "gzip by another name": [JSON, ("Content-Encoding", "X-GZIP")],
    "the coding that a browser knows": [JSON, ("Content-Encoding", "br")],
    "an unknown coding": [JSON, ("Content-Encoding", "zebra")],
    "compressed, then not": [JSON, ("Content-Encoding", "gzip, identity")],
    "compressed in a second line": [JSON, ("Content-Encoding", "identity"), ("Content-Encoding", "gzip")],
    "a form, compressed": [("Content-Type", "text/plain"), ("Content-Encoding", "gzip")],
}


@one_resource
@pytest.mark.parametrize("lines", GOOD.values(), ids=list(GOOD))
async def test_plain_json_is_read(client: Client, resource: Resource, lines: Lines) -> None:
    created = json.dumps(await valid_body(client, resource))

    answer = await client.post(resource.path, content=created, headers=lines)

    assert answer.status_code == 201


@pytest.mark.any_database
@one_resource
@pytest.mark.parametrize("lines", NOT_JSON.values(), ids=list(NOT_JSON))
async def test_what_is_not_called_json_is_a_415_that_says_what_is_read(
    client: Client, db: AppSession, resource: Resource, lines: Lines
) -> None:
    row = await factory_of(resource.model).create_async(user_id="alice")
    created = json.dumps(await valid_body(client, resource))

    for method, path in writes(resource, row.id or 0):
        answer = await client.request(method, path, content=created, headers=lines)
        assert_error(answer, 415)
        assert answer.headers.get("accept") == "application/json"
        assert "accept-encoding" not in answer.headers, "RFC 9110, 12.5.3: it would say that compression is the reason"


@pytest.mark.any_database
@one_resource
@pytest.mark.parametrize("lines", COMPRESSED.values(), ids=list(COMPRESSED))
async def test_what_is_compressed_is_a_415_that_says_so(
    client: Client, db: AppSession, resource: Resource, lines: Lines
) -> None:
    row = await factory_of(resource.model).create_async(user_id="alice")
    created = gzip.compress(json.dumps(await valid_body(client, resource)).encode())

    for method, path in writes(resource, row.id or 0):
        answer = await client.request(method, path, content=created, headers=lines)
        assert assert_error(answer, 415)["detail"] == "Send the body uncompressed, without Content-Encoding"
        assert answer.headers.get("accept-encoding") == "identity"
        assert "accept" not in answer.headers

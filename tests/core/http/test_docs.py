"""The docs: they describe what really happens, and they load from here alone."""

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from litestar import Litestar

from app.core.data.session import AppSession
from app.core.http.docs import _FILES
from app.core.http.resources import ResourceController
from app.installed import INSTALLED
from app.testing.callers import Client, assert_error
from app.testing.databases import settings_for_tests
from app.testing.factories import factory_of
from tests.core.http.bodies import Resource, valid_body

pytestmark = pytest.mark.any_database

every_resource = pytest.mark.parametrize("resource", INSTALLED, ids=lambda resource: resource.nouns())
METHODS = {"list": "get", "create": "post", "get": "get", "put": "put", "update": "patch", "delete": "delete"}
ERROR = {"$ref": "#/components/schemas/Error"}
BODY_OVER_THE_LIMIT = b" " * (settings_for_tests("sqlite:///never-opened.db").max_body_bytes + 1)


@pytest.fixture
async def document(live_app: Litestar) -> dict[str, Any]:
    answer = await Client(live_app).get("/schema/openapi.json")
    assert answer.status_code == 200
    return dict(answer.json())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        yield from ((path, method, operation) for method, operation in item.items() if method != "parameters")


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from ([node["$ref"]] if isinstance(node.get("$ref"), str) else [])
        node = list(node.values())
    for child in node if isinstance(node, list) else ():
        yield from references(child)


def is_public(path: str) -> bool:
    return path.startswith("/health")


async def test_the_document_is_openapi_3_1_and_whole(document: dict[str, Any]) -> None:
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    found = set(references(document))
    assert ERROR["$ref"] in found
    for reference in found:
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
        assert target


async def test_every_operation_has_an_id_of_its_own_and_says_what_it_does(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for *_, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    for *_, operation in operations(document):
        assert operation["summary"]
        assert operation["description"]
        assert operation["tags"]
        assert "{" not in operation["summary"] + operation["description"]


@every_resource
async def test_a_resource_has_its_six_operations_and_its_three_schemas(
    document: dict[str, Any], resource: type[ResourceController[Any, Any, Any]]
) -> None:
    found = {
        operation["operationId"]: (method, path)
        for path, method, operation in operations(document)
        if path.startswith(resource.path)
    }

    for name, method in METHODS.items():
        path = resource.path if name in {"list", "create"} else f"{resource.path}/{{id}}"
        assert found[f"{resource.nouns()}_{name}"] == (method, path)
    schemas = {resource.model.__name__, resource.create_schema.__name__, resource.update_schema.__name__, "Error"}
    assert schemas <= document["components"]["schemas"].keys()


@every_resource
async def test_an_answer_that_succeeds_is_described_by_the_row(document: dict[str, Any], resource: Resource) -> None:
    row = {"$ref": f"#/components/schemas/{resource.model.__name__}"}
    expected = {
        "list": ("200", {"type": "array", "items": row}),
        "create": ("201", row),
        "get": ("200", row),
        "put": ("200", row),
        "update": ("200", row),
        "delete": ("204", None),
    }

    found = {operation["operationId"]: operation["responses"] for *_, operation in operations(document)}

    for name, (status, schema) in expected.items():
        responses = found[f"{resource.nouns()}_{name}"]
        assert [code for code in responses if code < "400"] == [status]
        content = responses[status].get("content")
        assert (content["application/json"]["schema"] if content else None) == schema


async def test_every_private_operation_wants_the_token_and_no_public_one_does(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"]["bearerAuth"]["scheme"] == "bearer"
    assert "security" not in document
    for path, _, operation in operations(document):
        assert operation.get("security") == (None if is_public(path) else [{"bearerAuth": []}])
        assert ("401" in operation["responses"]) is not is_public(path)


async def test_every_error_that_is_documented_is_the_one_error(document: dict[str, Any]) -> None:
    for *_, operation in operations(document):
        errors = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        assert "400" not in errors
        assert "500" in errors
        for answer in errors.values():
            assert answer["content"]["application/json"]["schema"] == ERROR
            assert answer["description"]
        for status, header in (("401", "WWW-Authenticate"), ("503", "Retry-After")):
            assert status not in errors or header in errors[status]["headers"]


async def provoked(
    caller: Client, stranger: Client, method: str, path: str, *, row_id: int | None, body: dict[str, Any]
) -> set[int]:
    """Return the errors that an operation answers to a caller who does everything wrong, one thing at a time."""
    there, path = path.replace("{id}", str(row_id)), path.replace("{id}", str(2**62))
    answers = [
        await caller.request(method, there, json=body, headers={"If-Match": '"another"'}),
        await stranger.request(method, path, json=body),
        await caller.request(method, path, json=body),
        await caller.request(method, f"{path}?nothing=1", json=body),
        await caller.request(method, path, json={"nothing": 1}),
        await caller.request(method, path, content=b"{}", headers={"content-type": "text/plain"}),
        await caller.request(method, path, content=BODY_OVER_THE_LIMIT, headers={"content-type": "application/json"}),
    ]
    return {answer.status_code for answer in answers if answer.status_code >= 400}


@every_resource
async def test_an_operation_documents_the_errors_that_it_answers_and_no_others(
    client: Client, anonymous: Client, db: AppSession, document: dict[str, Any], resource: Resource
) -> None:
    row = await factory_of(resource.model).create_async(user_id="alice")

    for path, method, operation in operations(document):
        if operation["operationId"] in {f"{resource.nouns()}_{name}" for name in METHODS}:
            body = await valid_body(client, resource)
            found = await provoked(client, anonymous, method.upper(), path, row_id=row.id, body=body)

            documented = {int(status) for status in operation["responses"] if "400" <= status < "500"} - {429}
            assert documented == found, operation["operationId"]
            assert "503" in operation["responses"]


@pytest.mark.parametrize("page", ["/schema", "/schema/", "/schema/swagger"])
async def test_the_page_loads_without_a_token_and_from_nowhere_else(live_app: Litestar, page: str) -> None:
    anonymous = Client(live_app)
    answer = await anonymous.get(page)
    links = re.findall(r"""(?:src|href)\s*=\s*["']?([^"'\s>]+)""", answer.text)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert len(links) > 2
    assert [link for link in links if not re.match(r"/(?!/)|data:", link)] == []
    assert not re.search(r"""@import|url\(\s*["']?(?:https?:)?//""", answer.text)
    for link in links:
        if link.startswith("/"):
            assert (await anonymous.get(link)).status_code == 200


@pytest.mark.parametrize("page", ["/schema", "/schema/swagger"])
async def test_the_page_has_a_policy_that_knows_its_own_script_and_style_by_their_hash(
    live_app: Litestar, page: str
) -> None:
    answer = await Client(live_app).get(page)
    (policy,) = answer.headers.get_list("content-security-policy")
    directives = {name: values for name, *values in (part.split() for part in policy.split(";"))}

    assert directives["default-src"] == ["'none'"]
    assert directives["frame-ancestors"] == ["'none'"]
    for tag in ("script", "style"):
        (inline,) = re.findall(rf"<{tag}[^>]*>([^<].*?)</{tag}>", answer.text, re.DOTALL)
        digest = b64encode(sha256(inline.encode()).digest()).decode()
        assert directives[f"{tag}-src"] == ["'self'", f"'sha256-{digest}'"]
    assert "unsafe" not in policy


async def test_what_is_no_page_keeps_the_policy_of_everything_else(live_app: Litestar) -> None:
    for path in ("/schema/openapi.json", "/schema/nothing", "/schema/assets/swagger_bundle.js"):
        policy = (await Client(live_app).get(path)).headers.get_list("content-security-policy")

        assert policy == ["default-src 'none'; frame-ancestors 'none'"]


@pytest.mark.parametrize("name", list(_FILES))
async def test_an_asset_says_what_it_is(live_app: Litestar, name: str) -> None:
    answer = await Client(live_app).get(f"/schema/assets/{name}")

    kinds = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
    assert answer.status_code == 200
    assert answer.headers["content-type"] == kinds[name.rpartition(".")[2]]
    assert answer.headers.get_list("cache-control") == ["max-age=3600"]
    assert len(answer.content) > 10_000


@pytest.mark.parametrize(
    "name",
    [
        "nothing.js",
        "__init__.py",
        "swagger_bundle.js%00",
        "SWAGGER_BUNDLE.JS",
        "..%2f__init__.py",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "..%5c..%5cetc%5cpasswd",
        "%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/etc/passwd",
        "x/%2e%2e/__init__.py",
        "",
    ],
)
async def test_an_asset_that_is_none_is_a_404(live_app: Litestar, name: str) -> None:
    assert assert_error(await Client(live_app).get(f"/schema/assets/{name}"), 404) == {"detail": "Not Found"}

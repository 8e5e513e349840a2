"""The document: it is OpenAPI, it describes what really happens, and nothing else."""

import re
from typing import Any

import pytest
from litestar import Litestar
from openapi_spec_validator import validate

from app.core.data.ownership.session import AppSession
from app.core.data.tables.registry import table_name
from app.core.http.resource.controller import ResourceController
from app.testing.clients import Client, assert_error
from app.testing.databases import settings_for_tests
from app.testing.factories import factory_of
from tests.core.http.bodies import Resource, valid_body
from tests.core.http.docs.reading import Part, is_public, operations, parts, resolved
from tests.library import Library
from tests.parts.resources import every_resource

pytestmark = pytest.mark.any_database

METHODS = {"list": "get", "create": "post", "get": "get", "put": "put", "update": "patch", "delete": "delete"}
PROBLEM = {"$ref": "#/components/schemas/Problem"}
BODY_OVER_THE_LIMIT = b" " * (settings_for_tests("sqlite:///never-opened.db").max_body_bytes + 1)


def test_it_is_openapi_3_1_and_whole(document: Part) -> None:
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    validate(document)
    for part in parts(document):
        if isinstance(part.get("$ref"), str):
            assert resolved(document, part)


def test_every_shared_part_is_used(document: Part) -> None:
    used = {part["$ref"] for part in parts(document) if isinstance(part.get("$ref"), str)}

    for kind in ("schemas", "responses"):
        assert {f"#/components/{kind}/{name}" for name in document["components"][kind]} <= used


def test_every_operation_has_an_id_of_its_own_and_says_what_it_does(document: Part) -> None:
    ids = [operation["operationId"] for *_, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    for *_, operation in operations(document):
        assert operation["summary"]
        assert operation["description"]
        assert "{" not in operation["summary"] + operation["description"]


def test_every_tag_has_a_text_and_health_comes_last(document: Part) -> None:
    tags = [tag["name"] for tag in document["tags"]]

    assert tags == list(dict.fromkeys(tag for *_, operation in operations(document) for tag in operation["tags"]))
    assert all(tag["description"] for tag in document["tags"])
    assert tags.index("Health") > max(tags.index("Tasks"), tags.index("Projects"))


@every_resource
def test_a_resource_has_its_six_operations_and_its_three_schemas(
    installed: Part, resource: type[ResourceController[Any, Any, Any]]
) -> None:
    found = {
        operation["operationId"]: (method, path)
        for path, method, operation in operations(installed)
        if path.startswith(resource.path)
    }

    for name, method in METHODS.items():
        path = resource.path if name in {"list", "create"} else f"{resource.path}/{{id}}"
        assert found[f"{table_name(resource.model)}_{name}"] == (method, path)
    schemas = {resource.model.__name__, resource.create_schema.__name__, resource.update_schema.__name__}
    assert schemas <= installed["components"]["schemas"].keys()


@every_resource
def test_an_answer_that_succeeds_is_described_by_the_row(installed: Part, resource: Resource) -> None:
    row = {"$ref": f"#/components/schemas/{resource.model.__name__}"}
    expected = {
        "list": ("200", {"type": "array", "items": row}),
        "create": ("201", row),
        "get": ("200", row),
        "put": ("200", row),
        "update": ("200", row),
        "delete": ("204", None),
    }

    found = {operation["operationId"]: operation["responses"] for *_, operation in operations(installed)}

    for name, (status, schema) in expected.items():
        responses = found[f"{table_name(resource.model)}_{name}"]
        assert [code for code in responses if code < "400"] == [status]
        content = responses[status].get("content")
        assert (content["application/json"]["schema"] if content else None) == schema


def test_every_private_operation_wants_the_token_and_every_public_one_says_that_it_does_not(document: Part) -> None:
    bearer = document["components"]["securitySchemes"]["bearerAuth"]
    assert bearer["scheme"] == "bearer"
    assert "app token" in bearer["description"]
    assert "security" not in document
    for path, _, operation in operations(document):
        assert operation["security"] == ([] if is_public(path) else [{"bearerAuth": []}])
        assert ("401" in operation["responses"]) is not is_public(path)


def test_every_error_is_a_problem_with_an_example(document: Part) -> None:
    for *_, operation in operations(document):
        errors = {s: resolved(document, answer) for s, answer in operation["responses"].items() if s >= "400"}
        assert "400" not in errors
        assert "500" in errors
        for status, answer in errors.items():
            content = answer["content"]["application/json"]
            assert content["schema"] == PROBLEM
            assert answer["description"]
            examples = [named["value"] for named in content.get("examples", {}).values()] or [content["example"]]
            assert status == "409" or {"errors" in example for example in examples} == {status == "422"}
        for status, header in (("401", "WWW-Authenticate"), ("429", "Retry-After"), ("503", "Retry-After")):
            assert status not in errors or header in errors[status]["headers"]


def test_an_error_that_many_operations_have_is_described_once(document: Part) -> None:
    for path, _, operation in operations(document):
        if not is_public(path):
            own = {s for s, answer in operation["responses"].items() if s >= "400" and "$ref" not in answer}
            assert own <= {"409"}


def test_every_header_has_a_schema(document: Part) -> None:
    found = [header for part in parts(document) for header in part.get("headers", {}).values()]

    assert len(found) > 10
    for header in found:
        assert header["schema"]["type"] in {"string", "integer"}
        assert header["description"]


def test_every_limit_of_an_integer_is_one_and_a_wide_integer_says_so(document: Part) -> None:
    integers = [part for part in parts(document) if part.get("type") in ("integer", ["integer", "null"])]

    assert len(integers) > 10
    for schema in integers:
        lowest, highest = schema.get("minimum", -(2**63)), schema.get("maximum", 2**63 - 1)
        assert isinstance(lowest, int)
        assert isinstance(highest, int)
        assert -(2**63) <= lowest <= highest < 2**63
        assert (schema.get("format") == "int64") is not (lowest >= -(2**31) and highest < 2**31)


def test_a_parameter_has_no_default_that_a_client_would_send_by_itself(document: Part) -> None:
    parameters = [p for *_, operation in operations(document) for p in operation.get("parameters", ())]

    page = {"limit", "offset", "after", "before", "sort", "fields"}
    assert {p["name"] for p in parameters} >= {"id", "Prefer", "If-Match", *page}
    for parameter in parameters:
        assert ("default" in parameter["schema"]) is (parameter["name"] == "limit")
        assert isinstance(parameter["schema"].get("type", ""), str)
        assert parameter["description"]
        assert "description" not in parameter["schema"]


def test_a_body_is_closed_and_has_its_defaults_in_words(document: Part) -> None:
    schemas = document["components"]["schemas"]
    bodies = [schema for name, schema in schemas.items() if name.endswith(("Create", "Update"))]

    assert len(bodies) >= 4
    for schema in bodies:
        assert schema["additionalProperties"] is False
        assert schema["description"]
        assert not any("default" in part for field in schema["properties"].values() for part in parts(field))
    task = schemas["TaskCreate"]["properties"]
    assert task["completed"]["description"] == "Whether it is done. The default is `false`."
    assert schemas["TaskUpdate"]["properties"]["completed"]["description"] == "Whether it is done."
    assert "required" not in schemas["TaskUpdate"]


def test_a_row_has_every_column_and_null_where_the_column_has(document: Part) -> None:
    task = document["components"]["schemas"]["Task"]

    assert set(task["required"]) == set(task["properties"])
    nullable = {name for name, field in task["properties"].items() if "null" in field["type"]}
    assert nullable == {"description", "project_id"}


def test_a_409_is_documented_where_it_can_happen_and_nowhere_else(library: Library) -> None:
    found = {
        operation["operationId"]: operation["responses"]["409"]["description"]
        for path, _, operation in operations(library.document())
        if "409" in operation["responses"] and path.startswith("/api/sample-")
    }

    same = "Another sample shelf has the same `label_on_the_left_hand_side` and `label_on_the_right_hand_side`, "
    same += "or the same `name`, or the same `room` and `place`."
    assert found == {
        "sample_buildings_delete": "Other rows still refer to this sample building.",
        "sample_shelves_create": same,
        "sample_shelves_put": same,
        "sample_shelves_update": same,
        "sample_shelves_clear": "Another sample shelf has the same `room` and `place`.",
        "sample_shelves_move_to_hall": "Another sample shelf has the same `room` and `place`.",
        "sample_shelves_delete": "Other rows still refer to this sample shelf.",
    }


def test_what_is_not_limited_documents_no_429(document: Part) -> None:
    for path, _, operation in operations(document):
        assert ("429" in operation["responses"]) is not is_public(path)


async def test_it_is_what_is_served(live_app: Litestar, installed: Part) -> None:
    answer = await Client(live_app).get("/schema/openapi.json")

    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json"
    assert answer.json() == installed


async def provoked(
    caller: Client, stranger: Client, method: str, path: str, *, row_id: int | None, body: Part
) -> set[int]:
    """Return the errors that an operation answers to a caller who does everything wrong, one thing at a time."""
    there, path = path.replace("{id}", str(row_id)), path.replace("{id}", str(2**62))
    answers = [
        await caller.request(method, there, json=body, headers={"If-Match": '"another"'}),
        await stranger.request(method, path, json=body),
        await caller.request(method, path, json=body),
        await caller.request(method, f"{path}?nothing=1", json=body),
        await caller.request(method, f"{path}?nothing={'1' * 8_000}", json=body),
        await caller.request(method, path, json={"nothing": 1}),
        await caller.request(method, path, content=b"{}", headers={"content-type": "text/plain"}),
        await caller.request(method, path, content=BODY_OVER_THE_LIMIT, headers={"content-type": "application/json"}),
    ]
    return {answer.status_code for answer in answers if answer.status_code >= 400}


@every_resource
async def test_an_operation_documents_the_errors_that_it_answers_and_no_others(
    client: Client, anonymous: Client, db: AppSession, installed: Part, resource: Resource
) -> None:
    row = await factory_of(resource.model).create_async(user_id="alice")

    for path, method, operation in operations(installed):
        if operation["operationId"] in {f"{table_name(resource.model)}_{name}" for name in METHODS}:
            body = await valid_body(client, resource)
            found = await provoked(client, anonymous, method.upper(), path, row_id=row.id, body=body)

            # Those two take a row of another noun, and many requests.
            documented = {int(status) for status in operation["responses"] if "400" <= status < "500"} - {409, 429}
            assert documented == found, operation["operationId"]
            assert "503" in operation["responses"]


@every_resource
def test_a_list_documents_each_filter_after_the_page(installed: Part, resource: Resource) -> None:
    parameters = installed["paths"][resource.path]["get"]["parameters"]
    names = [parameter["name"] for parameter in parameters]

    assert len(set(names)) == len(names)
    assert names[:5] == ["limit", "offset", "after", "before", "sort"]
    assert names.index("fields") < names.index("id") < names.index("created_at__gte") < names.index("Prefer")
    for parameter in parameters:
        is_list = parameter["schema"].get("type") == "array"
        assert is_list is parameter["name"].endswith(("__in", "__ne"))
        assert (parameter.get("style"), parameter.get("explode")) == (("form", True) if is_list else (None, None))
        assert len(parameter["description"]) < 250


async def test_the_errors_say_what_their_examples_say(live_app: Litestar, client: Client, installed: Part) -> None:
    responses = installed["components"]["responses"]

    def example(name: str) -> Any:
        return responses[name]["content"]["application/json"]["example"]

    assert assert_error(await Client(live_app).get("/api/nothing"), 404) == example("NotFound")
    invalid = await client.get("/api/tasks", headers={"Authorization": "Bearer a.b.c"})
    assert assert_error(invalid, 401) == example("Unauthorized")
    plain = await client.post("/api/tasks", content=b"{}", headers={"content-type": "text/plain"})
    assert assert_error(plain, 415) == example("UnsupportedMediaType")
    large = {"content-type": "application/json"}
    assert assert_error(await client.post("/api/tasks", content=BODY_OVER_THE_LIMIT, headers=large), 413) == example(
        "ContentTooLarge"
    )
    examples = responses["UnprocessableContent"]["content"]["application/json"]["examples"]
    assert assert_error(await client.post("/api/tasks", json={"title": "x" * 201}), 422) == examples["body"]["value"]
    assert assert_error(await client.get("/api/tasks?colour=red"), 422) == examples["query"]["value"]

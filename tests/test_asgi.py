"""The assembled application: nothing is open by accident, and every error has the one form."""

import json
import logging
import re
from collections.abc import AsyncIterator, Iterator

import pytest
from litestar import Litestar, get
from litestar.params import FromPath
from litestar.routes import HTTPRoute

from app.asgi import create_app
from app.core.data.ownership.session import AppSession
from app.installed import INSTALLED
from app.testing.clients import Client, assert_error
from app.testing.databases import settings_for_tests
from app.testing.factories import factory_of
from tests.core.http.bodies import Resource, valid_body
from tests.parts.resources import every_resource

pytestmark = pytest.mark.any_database

OPEN = frozenset({"/health", "/health/ready", "/schema"})
VALUES = {"int": "1", "str": "x", "uuid": "00000000-0000-4000-8000-000000000000"}
SECRET_TEXT = "SELECT zebra FROM /var/secrets"
MAX_BODY = settings_for_tests("sqlite:///never-opened.db").max_body_bytes


def routes_of(app: Litestar) -> Iterator[tuple[str, str]]:
    for route in app.routes:
        assert isinstance(route, HTTPRoute), f"{route.path} is neither tested here nor, perhaps, guarded"
        path = re.sub(r"\{\w+:(\w+)\}", lambda kind: VALUES[kind[1]], route.path)
        yield from ((method, path) for method in sorted(route.methods) if method != "OPTIONS")


def is_open(path: str) -> bool:
    return path in OPEN or path.startswith("/schema/")


@pytest.fixture
def failing() -> Client:
    """A caller of an application that has a handler which fails."""

    @get("/fails/{name:str}", public=True)
    async def fail(name: FromPath[str]) -> None:
        raise LookupError(SECRET_TEXT)

    app = create_app(settings_for_tests("sqlite:///never-opened.db"))
    app.register(fail)
    return Client(app)


async def test_every_route_that_is_not_named_here_wants_a_token(live_app: Litestar) -> None:
    anonymous = Client(live_app)
    routes = list(routes_of(live_app))

    answers = [(method, path, await anonymous.request(method, path)) for method, path in routes]

    assert {controller.path for controller in INSTALLED} <= {path for _, path in routes}
    assert [(m, p) for m, p, answer in answers if (answer.status_code != 401) != is_open(p)] == []
    for answer in (answer for _, path, answer in answers if not is_open(path)):
        assert assert_error(answer, 401) == {"detail": "Authentication required"}
        assert answer.headers["www-authenticate"] == "Bearer"


@every_resource
async def test_a_missing_token_is_a_401_before_the_body_is_read(anonymous: Client, resource: Resource) -> None:
    for content in (b"", b"{", b" " * (MAX_BODY + 1)):
        assert_error(await anonymous.post(resource.path, content=content), 401)


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/api", "/api/nothing", "/schema/nothing", "/schema/a/b", "/%00", "/%ff"]
)
async def test_an_unknown_path_is_a_404_for_everybody(client: Client, anonymous: Client, path: str) -> None:
    for caller in (client, anonymous):
        assert assert_error(await caller.get(path), 404) == {"detail": "Not Found"}


@every_resource
async def test_a_method_that_a_route_lacks_is_a_405_that_names_the_others_in_order(
    client: Client, resource: Resource
) -> None:
    for method, path in (("DELETE", resource.path), ("POST", f"{resource.path}/1")):
        answer = await client.request(method, path)

        assert_error(answer, 405)
        allowed = answer.headers["allow"].split(", ")
        assert allowed == sorted(set(allowed))
        assert {"GET", "HEAD"} <= set(allowed)
        assert method not in allowed


@every_resource
async def test_options_names_the_methods_that_a_path_has(
    client: Client, anonymous: Client, db: AppSession, resource: Resource
) -> None:
    for path, methods in ((resource.path, "GET, HEAD, OPTIONS, POST"), ("/health", "GET, HEAD, OPTIONS")):
        answer = await anonymous.options(path)
        assert (answer.status_code, answer.headers.get_list("allow")) == (204, [methods])
    refusal = await client.post(f"{resource.path}/1")
    assert (await client.options(f"{resource.path}/1")).headers["allow"] == refusal.headers["allow"]
    assert "allow" not in (await client.options("/nowhere")).headers


@every_resource
async def test_head_is_get_without_the_body(
    client: Client, anonymous: Client, db: AppSession, resource: Resource
) -> None:
    row = await factory_of(resource.model).create_async(user_id="alice")

    for path in (resource.path, f"{resource.path}/{row.id}", f"{resource.path}/0", "/health", "/schema", "/nowhere"):
        for caller in (client, anonymous):
            get, head = await caller.get(path), await caller.head(path)
            for answer in (get, head):
                assert len(answer.headers.pop("x-request-id")) == 32
            assert (head.status_code, head.headers, head.content) == (get.status_code, get.headers, b"")


async def in_chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 65536):
        yield content[start : start + 65536]


@every_resource
@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
async def test_a_body_may_be_as_large_as_the_setting_says_and_no_larger(
    client: Client, resource: Resource, chunked: bool
) -> None:
    largest = json.dumps(await valid_body(client, resource)).encode().ljust(MAX_BODY)
    headers = {"content-type": "application/json"}

    for content, status in ((largest, 201), (largest + b" ", 413)):
        answer = await client.post(resource.path, content=in_chunks(content) if chunked else content, headers=headers)

        assert ("content-length" in answer.request.headers) is not chunked
        assert answer.status_code == status
    assert_error(answer, 413)


@every_resource
async def test_a_bad_body_is_a_415_or_a_422(client: Client, resource: Resource) -> None:
    assert_error(await client.post(resource.path, content=b"{}", headers={"content-type": "text/plain"}), 415)
    assert_error(await client.post(resource.path, json={"no such field": 1}), 422)


async def test_a_failure_tells_the_client_nothing_and_the_log_everything(
    failing: Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await failing.get("/fails/here")

    assert assert_error(answer, 500) == {"detail": "Internal server error"}
    (record,) = (r for r in caplog.records if r.name == "app.core.http.exception_handlers")
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert SECRET_TEXT in caplog.text
    assert "Traceback" in caplog.text


async def test_a_failure_is_logged_in_one_line_of_its_own_whatever_the_path_says(
    failing: Client, caplog: pytest.LogCaptureFixture
) -> None:
    assert_error(await failing.get("/fails/a%0aforged%0d%1b"), 500)

    messages = [r.getMessage() for r in caplog.records if r.name.startswith("app.")]
    assert len(messages) == 2
    assert [message for message in messages if not message.isprintable()] == []


@every_resource
async def test_a_slash_at_the_end_changes_nothing(client: Client, db: AppSession, resource: Resource) -> None:
    row = await factory_of(resource.model).create_async(user_id="alice")

    for path in (resource.path, f"{resource.path}/{row.id}", "/health", "/schema/openapi.json", "/nothing"):
        plain, slashed = await client.get(path), await client.get(f"{path}/")

        assert (slashed.status_code, slashed.content) == (plain.status_code, plain.content)
    created = await client.post(f"{resource.path}/", json=await valid_body(client, resource))
    assert created.status_code == 201
    assert created.headers["location"] == f"{resource.path}/{created.json()['id']}"
    assert (await client.delete(f"{resource.path}/{row.id}/")).status_code == 204

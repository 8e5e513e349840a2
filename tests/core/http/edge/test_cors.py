"""CORS: a script of a listed origin may send and read all that there is, errors included; any other reads nothing."""

from typing import Any, Final

import httpx
import pytest
from litestar import Litestar

from app.core.http.edge.cors import METHODS, REQUEST_HEADERS, RESPONSE_HEADERS
from app.testing.clients import Client
from tests.core.http.conftest import Make, app_with

pytestmark = pytest.mark.any_database

ORIGIN: Final = "https://app.example"
OTHER: Final = "http://localhost:3000"
ORIGINS: Final = f"{ORIGIN}, {OTHER}"
# What a script reads of any answer, whatever is exposed.
ALWAYS_READABLE: Final = {"cache-control", "content-language", "content-length", "content-type", "expires", "pragma"}


def names(value: str) -> set[str]:
    return {name.strip().lower() for name in value.split(",")}


async def ask(app: Litestar, method: str, path: str, origin: str | None = ORIGIN, **options: Any) -> httpx.Response:
    caller = Client(app, options.pop("user", "alice"), **options.pop("client", {}))
    headers = options.pop("headers", {}) | ({"Origin": origin} if origin else {})
    return await caller.request(method, path, headers=headers, **options)


def preflight(method: str = "DELETE", headers: str = "authorization,content-type,prefer") -> dict[str, str]:
    return {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}


@pytest.mark.parametrize("path", ["/api/tasks", "/api/tasks/1", "/nothing", "/schema", "/health"])
@pytest.mark.parametrize("origin", [ORIGIN, OTHER])
async def test_a_preflight_needs_no_token_and_allows_all_that_a_client_sends(origin: str, path: str) -> None:
    answer = await ask(app_with(cors_origins=ORIGINS), "OPTIONS", path, origin, user=None, headers=preflight())

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == origin
    assert names(answer.headers["access-control-allow-methods"]) == {method.lower() for method in METHODS}
    assert names(answer.headers["access-control-allow-headers"]) == {name.lower() for name in REQUEST_HEADERS}
    assert "access-control-allow-credentials" not in answer.headers
    assert "origin" in names(answer.headers["vary"])


@pytest.mark.parametrize(
    ("setting", "more"),
    [
        ("", set()),
        ("sentry-trace, baggage,traceparent", {"sentry-trace", "baggage", "traceparent"}),
        ("AUTHORIZATION,x-a", {"x-a"}),
    ],
)
async def test_a_setting_allows_further_request_headers(setting: str, more: set[str]) -> None:
    app = app_with(cors_origins=ORIGINS, cors_headers=setting)

    answer = await ask(app, "OPTIONS", "/api/tasks", user=None, headers=preflight())

    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert sorted(allowed) == sorted({name.lower() for name in REQUEST_HEADERS} | more)


APPS: Final = (
    "capacitor://localhost",
    "tauri://localhost",
    "http://tauri.localhost",
    "chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb",
    "moz-extension://7a5650c3-1ec1-4a3f-b2f2-a5ba0bd2a5cb",
)
PREVIEWS: Final = "https://*.example.app,http://*.test.example.app:3000"


@pytest.mark.parametrize(
    ("listed", "origin"),
    [
        *((",".join(APPS), app) for app in APPS),
        (PREVIEWS, "https://pr-7.example.app"),
        (PREVIEWS, "https://xn--bcher-kva.example.app"),
        (PREVIEWS, "http://7.test.example.app:3000"),
        (f"https://example.app,{PREVIEWS}", "https://example.app"),
    ],
)
async def test_an_app_and_a_preview_are_allowed_by_their_own_name(listed: str, origin: str) -> None:
    app = app_with(cors_origins=listed)

    answers = [await ask(app, method, "/health", origin, headers=preflight()) for method in ("OPTIONS", "GET")]

    assert [answer.status_code for answer in answers] == [204, 200]
    for answer in answers:
        assert answer.headers.get_list("access-control-allow-origin") == [origin]
        assert "origin" in names(answer.headers["vary"])


ERRORS: Final[dict[str, tuple[int, str, str, dict[str, Any]]]] = {
    "no token": (401, "GET", "/api/tasks", {"user": None}),
    "unknown path": (404, "GET", "/nothing", {}),
    "method": (405, "DELETE", "/api/tasks", {}),
    "too large": (413, "POST", "/api/tasks", {"json": {"title": "x" * 100}}),
    "no JSON": (415, "POST", "/api/tasks", {"content": b"x"}),
    "invalid": (422, "GET", "/api/tasks?zebra=1", {}),
    "host": (421, "GET", "/api/tasks", {"headers": {"Host": "other.example"}}),
    "a bug": (500, "GET", "/fails", {}),
    "health": (200, "GET", "/health", {}),
    "document": (200, "GET", "/schema/openapi.json", {}),
}


@pytest.mark.parametrize(("status", "method", "path", "options"), ERRORS.values(), ids=ERRORS)
async def test_an_error_can_be_read_as_well(status: int, method: str, path: str, options: dict[str, Any]) -> None:
    app = app_with(cors_origins=ORIGINS, max_body_bytes=50, allowed_hosts="testserver")

    answer = await ask(app, method, path, **options)

    assert answer.status_code == status
    assert answer.headers.get_list("access-control-allow-origin") == [ORIGIN]
    assert names(answer.headers["access-control-expose-headers"]) == {name.lower() for name in RESPONSE_HEADERS}
    assert "access-control-allow-credentials" not in answer.headers
    assert "origin" in names(answer.headers["vary"])


async def test_too_many_requests_can_be_read_as_well(make_app: Make) -> None:
    app = make_app(cors_origins=ORIGINS, rate_limit="1/hour")

    answers = [await ask(app, "GET", "/api/tasks?zebra=1") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [422, 429]
    exposed = names(answers[1].headers["access-control-expose-headers"])
    assert {"retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"} <= exposed
    assert answers[1].headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://app.example.evil.example",
        "https://evil-app.example",
        "https://app.example:8443",
        "http://app.example",
        "https://APP.example",
        "https://app.example/",
        "https://app.example, https://evil.example",
        "null",
        "",
        "*",
        "https://preview.example",
        "https://a.b.preview.example",
        "https://.preview.example",
        "https://*.preview.example",
        "https://PR.preview.example",
        "https://pr.preview.example:8443",
        "http://pr.preview.example",
        "https://pr.preview.example.evil.example",
        "https://pr.preview-example",
        "https://evil.example/.preview.example",
        "https://evil.example\n.preview.example",
        "capacitor://evil",
        "CAPACITOR://localhost",
    ],
)
async def test_another_origin_is_told_nothing(origin: str) -> None:
    app = app_with(cors_origins=f"{ORIGINS},capacitor://localhost,https://*.preview.example")

    for method, headers in (("GET", {}), ("OPTIONS", preflight())):
        answer = await ask(app, method, "/health", headers=headers | {"Origin": origin}, origin=None)

        assert [name for name in answer.headers if name.startswith("access-control")] == []
        assert "origin" in names(answer.headers["vary"]), "a cache must not hand this to an origin that is allowed"


async def test_without_origins_there_is_no_cors() -> None:
    for method, headers in (("GET", {}), ("OPTIONS", preflight())):
        answer = await ask(app_with(), method, "/health", headers=headers)

        assert not [name for name in answer.headers if name.startswith("access-control") or name == "vary"]


async def test_a_preflight_of_nobody_is_none() -> None:
    answer = await ask(app_with(cors_origins=ORIGINS), "OPTIONS", "/api/tasks", origin=None, headers=preflight())

    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_preflight_is_answered_under_any_host_so_that_a_script_can_read_the_421() -> None:
    app = app_with(cors_origins=ORIGINS, allowed_hosts="testserver")

    answer = await ask(app, "OPTIONS", "/api/tasks", user=None, headers=preflight() | {"Host": "other.example"})

    assert answer.status_code == 204


async def test_options_without_a_preflight_describes_the_route() -> None:
    answer = await ask(app_with(cors_origins=ORIGINS), "OPTIONS", "/api/tasks")

    assert "POST" in answer.headers["allow"]
    assert answer.headers["access-control-allow-origin"] == ORIGIN


async def test_every_documented_header_and_method_may_be_sent_and_read(live_app: Litestar) -> None:
    document = (await Client(live_app).get("/schema/openapi.json")).json()
    operations = [
        (method, operation)
        for item in document["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    ]
    sent = {p["name"] for _, o in operations for p in o.get("parameters", ()) if p["in"] == "header"}
    answered = {name for _, o in operations for r in o["responses"].values() for name in r.get("headers", {})}

    assert len(sent) + len(answered) > 4
    assert {name.lower() for name in sent} <= {name.lower() for name in REQUEST_HEADERS}
    assert {n.lower() for n in answered} - ALWAYS_READABLE <= {name.lower() for name in RESPONSE_HEADERS}
    assert {method.upper() for method, _ in operations} <= set(METHODS)

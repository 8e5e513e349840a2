"""Security headers: with every answer, whatever it is, and what an answer says itself comes first."""

from typing import Any, Final

import pytest
from litestar import Response, get

from app.core.http.edge.security_headers import merge, security_headers
from app.testing.clients import Client
from tests.core.http.conftest import Make, app_with

pytestmark = pytest.mark.any_database

EXPECTED: Final = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
PRODUCTION: Final = {"app_env": "production", "allowed_hosts": "testserver", "rate_limit": "off"}

ANSWERS: Final[dict[str, tuple[int, str, str, dict[str, Any]]]] = {
    "health": (200, "GET", "/health", {}),
    "document": (200, "GET", "/schema/openapi.json", {}),
    "options": (204, "OPTIONS", "/api/tasks", {}),
    "no token": (401, "GET", "/api/tasks", {"headers": {"Authorization": ""}}),
    "unknown path": (404, "GET", "/nothing", {}),
    "method": (405, "DELETE", "/api/tasks", {}),
    "no JSON": (415, "POST", "/api/tasks", {"content": b"x"}),
    "invalid": (422, "GET", "/api/tasks?zebra=1", {}),
    "host": (421, "GET", "/api/tasks", {"headers": {"Host": "other.example"}}),
    "a bug": (500, "GET", "/fails", {}),
}


@pytest.mark.parametrize(("status", "method", "path", "options"), ANSWERS.values(), ids=ANSWERS)
async def test_every_answer_has_each_of_them_once(status: int, method: str, path: str, options: dict[str, Any]) -> None:
    answer = await Client(app_with(**PRODUCTION), "alice").request(method, path, **options)

    assert answer.status_code == status
    assert {name: answer.headers.get_list(name) for name in EXPECTED} == {n: [v] for n, v in EXPECTED.items()}
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert len(answer.headers["x-request-id"]) == 32
    assert not {"server", "x-powered-by"} & set(answer.headers)


async def test_only_production_demands_https() -> None:
    assert "strict-transport-security" not in (await Client(app_with()).get("/health")).headers


async def test_what_an_answer_says_itself_is_left_alone(make_app: Make) -> None:
    @get("/page", public=True)
    async def page() -> Response[str]:
        return Response("x", headers={"Cache-Control": "max-age=60", "X-Frame-Options": "SAMEORIGIN", "Vary": "Accept"})

    app = make_app(cors_origins="https://app.example")
    app.register(page)

    headers = (await Client(app).get("/page")).headers

    assert headers.get_list("cache-control") == ["max-age=60"]
    assert headers.get_list("x-frame-options") == ["SAMEORIGIN"]
    assert headers.get_list("vary") == ["Accept", "Origin"]
    assert headers["referrer-policy"] == "no-referrer"


def test_headers_are_not_added_to_a_list_that_somebody_else_keeps() -> None:
    own, added = [(b"x", b"y")], security_headers(https_only=False)
    before = [*added]

    assert merge(own, added) == [*own, *added]
    assert (own, added) == ([(b"x", b"y")], before)

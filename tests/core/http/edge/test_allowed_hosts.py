"""Hosts: which names are answered to, and whose word on the caller's address is taken."""

from typing import Any, Final

import httpx
import pytest
from litestar import Litestar, Request, get

from app.testing.clients import Client, assert_error
from tests.core.http.conftest import Make, app_with

pytestmark = pytest.mark.any_database

ALLOWED: Final = "api.example.com, *.example.org,[::1],127.0.0.1"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("api.example.com", 401),
        ("API.Example.com", 401),
        ("api.example.com:8000", 401),
        ("a.example.org", 401),
        ("a.b.example.org:443", 401),
        ("[::1]", 401),
        ("[::1]:8000", 401),
        ("127.0.0.1:8000", 401),
        ("api.example.com.", 401),
        ("API.example.com.:8000", 401),
        ("a.example.org.", 401),
        ("api.example.com:", 401),
        ("[::1]:", 401),
        ("example.com", 421),
        ("example.org", 421),
        ("evilexample.org", 421),
        ("a.example.org.evil.example", 421),
        ("api.example.com..", 421),
        ("api.example.com.:.", 421),
        (".example.org", 421),
        (".", 421),
        (":", 421),
        (".:8000", 421),
        ("api.example.com::", 421),
        ("api.example.com:x", 421),
        ("evil.example:api.example.com", 421),
        ("127.0.0.2", 421),
        ("", 421),
        ("a.example.org\n", 421),
    ],
)
async def test_only_names_that_are_allowed_are_answered_to(
    caplog: pytest.LogCaptureFixture, host: str, status: int
) -> None:
    answer = await Client(app_with(allowed_hosts=ALLOWED)).get("/api/tasks", headers={"Host": host})

    assert_error(answer, status)
    told = [r.getMessage() for r in caplog.records if r.name == "app.core.http.edge.allowed_hosts"]
    assert told == ([f"refused: ALLOWED_HOSTS does not have {host.encode()!a}"] if status == 421 else [])


async def test_two_names_are_none() -> None:
    headers = [("Host", "api.example.com"), ("Host", "api.example.com")]

    assert_error(await Client(app_with(allowed_hosts=ALLOWED)).get("/api/tasks", headers=headers), 421)


@pytest.mark.parametrize("allowed", ["", "*", "api.example.com,*"])
async def test_any_name_will_do_where_none_is_set(allowed: str) -> None:
    answer = await Client(app_with(allowed_hosts=allowed)).get("/api/tasks", headers={"Host": "evil.example"})

    assert_error(answer, 401)


@pytest.mark.parametrize("path", ["/health", "/health/", "/health/ready", "/healthy", "/health/x"])
async def test_a_probe_may_come_by_address_and_nothing_else_may(make_app: Make, path: str) -> None:
    answer = await Client(make_app(allowed_hosts=ALLOWED)).get(path, headers={"Host": "10.0.0.7:8000"})

    assert (answer.status_code == 421) is (path in {"/healthy", "/health/x"})


async def seen(app: Litestar, peer: str, *headers: tuple[str, str]) -> Any:
    """Return the address and the scheme that a handler sees."""

    @get("/caller", public=True)
    async def caller(request: Request[Any, Any, Any]) -> list[str]:
        return [request.client.host if request.client else "", request.scope["scheme"]]

    app.register(caller)
    transport = httpx.ASGITransport(app, client=(peer, 1))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        return (await client.get("/caller", headers=headers)).json()


FORWARDED: Final = (("X-Forwarded-For", "6.6.6.6, 203.0.113.9, 10.0.0.2"), ("X-Forwarded-Proto", "https"))


@pytest.mark.parametrize(
    ("trusted", "peer", "headers", "expected"),
    [
        ("", "10.0.0.1", FORWARDED, ["10.0.0.1", "http"]),
        ("10.0.0.0/8", "10.0.0.1", FORWARDED, ["203.0.113.9", "https"]),
        ("10.0.0.1", "10.0.0.1", FORWARDED, ["10.0.0.2", "https"]),
        ("10.0.0.0/8", "203.0.113.7", FORWARDED, ["203.0.113.7", "http"]),
        ("10.0.0.0/8", "127.0.0.1", FORWARDED, ["127.0.0.1", "http"]),
        ("fd00::/8", "fd00::1", (("X-Forwarded-For", "2001:db8::1"),), ["2001:db8::1", "http"]),
        ("fd00::/8", "fd00::1", (("X-Forwarded-For", "[2001:db8::1]:4711 , [fd00::2]:80"),), ["2001:db8::1", "http"]),
        ("10.0.0.0/8", "10.0.0.1", (("X-Forwarded-For", "203.0.113.9:80,10.0.0.2:80"),), ["203.0.113.9", "http"]),
        ("10.0.0.0/8", "10.0.0.1", (("X-Forwarded-For", ""), ("X-Forwarded-Proto", "ftp")), ["10.0.0.1", "http"]),
        ("10.0.0.0/8", "10.0.0.1", (("X-Forwarded-Proto", "https, http"),), ["10.0.0.1", "http"]),
        ("10.0.0.0/8", "10.0.0.1", (("X-Forwarded-For", "6.6.6.6"), FORWARDED[0]), ["203.0.113.9", "http"]),
        ("10.0.0.0/8", "10.0.0.1", (("Forwarded", "for=6.6.6.6;proto=https"),), ["10.0.0.1", "http"]),
        ("10.0.0.0/8", "10.0.0.1", (("X-Real-IP", "6.6.6.6"),), ["10.0.0.1", "http"]),
    ],
)
async def test_only_a_trusted_proxy_is_believed_and_only_as_far_as_it_knows(
    make_app: Make, trusted: str, peer: str, headers: tuple[tuple[str, str], ...], expected: list[str]
) -> None:
    assert await seen(make_app(trusted_proxies=trusted), peer, *headers) == expected

"""The bearer middleware over HTTP: who gets in, what everybody else reads, and what the log says of them."""

import logging
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, Final, NoReturn

import httpx
import pytest

from app.core.auth.tokens import issue_token
from app.testing.clients import Client, assert_error
from app.testing.databases import SECRET

pytestmark = pytest.mark.any_database

PATH: Final = "/api/tasks"
KEY: Final = SECRET.encode()
TOKEN: Final = issue_token("alice", KEY, 3600)
EXPIRED: Final = issue_token("alice", KEY, -1)
MISSING: Final = ("Authentication required", "Bearer")
INVALID: Final = ("Invalid or expired token", 'Bearer error="invalid_token"')

Headers = Sequence[tuple[str, str | bytes]]


def as_bytes(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in headers]


def assert_refused(response: httpx.Response, detail: str, challenge: str) -> None:
    """Assert that this is the 401, whole: nothing but one of two sentences, and how to do better."""
    assert assert_error(response, 401) == {"detail": detail}
    assert response.headers.get_list("www-authenticate") == [challenge]
    assert response.headers.get_list("cache-control") == ["no-store"]


def records(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return what the application logged, without the test client's own lines."""
    return [record for record in caplog.records if record.name.startswith("app.")]


def refusals(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in records(caplog) if r.name == "app.core.auth.middleware"]


def log_of(caplog: pytest.LogCaptureFixture) -> str:
    """Return the application's log as an operator reads it, tracebacks included."""
    return "\n".join(map(logging.Formatter().format, records(caplog)))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(f"Bearer {TOKEN}", id="as usual"),
        pytest.param(f"bearer {TOKEN}", id="lower case"),
        pytest.param(f"BEARER {TOKEN}", id="upper case"),
        pytest.param(f"bEaReR {TOKEN}", id="mixed case"),
        pytest.param(f"Bearer    {TOKEN}", id="several spaces"),
        pytest.param(f"Bearer {TOKEN}  ", id="spaces behind it"),
    ],
)
async def test_a_valid_token_gets_in_however_the_scheme_is_written(anonymous: Client, value: str) -> None:
    response = await anonymous.get(PATH, headers={"Authorization": value})

    assert response.status_code == 200


async def test_each_token_gets_the_rows_of_its_own_user(as_user: Callable[[str], Client]) -> None:
    created = await as_user("alice").post(PATH, json={"title": "Buy milk"})

    assert created.json()["user_id"] == "alice"
    assert [task["id"] for task in (await as_user("alice").get(PATH)).json()] == [created.json()["id"]]
    assert (await as_user("bob").get(PATH)).json() == []


NOBODY: Final[dict[str, Headers]] = {
    "no header": [],
    "in a cookie": [("Cookie", f"token={TOKEN}; better-auth.session_token={TOKEN}; Authorization=Bearer {TOKEN}")],
    "in a header of another name": [("X-Authorization", f"Bearer {TOKEN}"), ("Proxy-Authorization", f"Bearer {TOKEN}")],
}


@pytest.mark.parametrize("headers", NOBODY.values(), ids=NOBODY)
async def test_who_sends_no_authorization_is_told_to(
    anonymous: Client, caplog: pytest.LogCaptureFixture, headers: Headers
) -> None:
    response = await anonymous.get(PATH, headers=as_bytes(headers))

    assert_refused(response, *MISSING)
    assert refusals(caplog) == ["refused: missing"]
    assert TOKEN not in log_of(caplog)


@pytest.mark.parametrize("name", ["token", "access_token", "authorization", "jwt"])
async def test_a_token_in_the_query_is_not_looked_at_and_not_logged(
    anonymous: Client, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    response = await anonymous.get(PATH, params={name: TOKEN})

    assert_refused(response, *MISSING)
    assert refusals(caplog) == ["refused: missing"]
    assert TOKEN not in log_of(caplog)


def bearer(value: str | bytes) -> Headers:
    return [("Authorization", b"Bearer " + (value if isinstance(value, bytes) else value.encode()))]


BAD: Final[dict[str, tuple[Headers, str]]] = {
    "expired": (bearer(EXPIRED), "expired"),
    "signed with another key": (bearer(issue_token("alice", KEY[::-1], 3600)), "bad_signature"),
    "a blank user": (bearer(issue_token(" ", KEY, 3600)), "bad_sub"),
    "no token at all": (bearer("alice"), "malformed"),
    "padding": (bearer(f"{TOKEN}="), "malformed"),
    "too long": (bearer(TOKEN + "A" * 17_000), "too_long"),
    "two headers, both good": ([*bearer(TOKEN), *bearer(TOKEN)], "several_headers"),
    "two headers, the first one good": ([*bearer(TOKEN), ("Authorization", "Basic x")], "several_headers"),
    "two headers in two spellings": ([*bearer(TOKEN), ("AUTHORIZATION", f"Bearer {TOKEN}")], "several_headers"),
    "empty header": ([("Authorization", "")], "no_bearer_token"),
    "only the scheme": ([("Authorization", "Bearer")], "no_bearer_token"),
    "the scheme and a space": ([("Authorization", "Bearer ")], "no_bearer_token"),
    "only the token": ([("Authorization", TOKEN)], "no_bearer_token"),
    "Basic, with credentials": ([("Authorization", "Basic YWxpY2U6c2VjcmV0")], "no_bearer_token"),
    "Basic, with the token": ([("Authorization", f"Basic {TOKEN}")], "no_bearer_token"),
    "JWT as the scheme": ([("Authorization", f"JWT {TOKEN}")], "no_bearer_token"),
    "a longer scheme": ([("Authorization", f"XBearer {TOKEN}")], "no_bearer_token"),
    "no space": ([("Authorization", f"Bearer{TOKEN}")], "no_bearer_token"),
    "a colon": ([("Authorization", f"Bearer: {TOKEN}")], "no_bearer_token"),
    "a tab": ([("Authorization", f"Bearer\t{TOKEN}")], "no_bearer_token"),
    "garbage behind it": (bearer(f"{TOKEN} x"), "no_bearer_token"),
    "a second token behind it": (bearer(f"{TOKEN} {TOKEN}"), "no_bearer_token"),
    "a comma and more": (bearer(f"{TOKEN}, Bearer {TOKEN}"), "no_bearer_token"),
    "in quotes": (bearer(f'"{TOKEN}"'), "no_bearer_token"),
    "a semicolon": (bearer(f"{TOKEN};"), "no_bearer_token"),
    "not ASCII behind it": (bearer(TOKEN.encode() + b"\xe9"), "no_bearer_token"),
    "not UTF-8": (bearer(b"\xff\xfe\xfd"), "no_bearer_token"),
    "a letter that looks like one of the scheme": ([("Authorization", f"Bеarer {TOKEN}")], "no_bearer_token"),  # noqa: RUF001
    "NUL": (bearer(TOKEN.encode() + b"\0"), "no_bearer_token"),
    "newline": (bearer(TOKEN.encode() + b"\n"), "no_bearer_token"),
}


@pytest.mark.parametrize(("headers", "reason"), BAD.values(), ids=BAD)
async def test_every_bad_authorization_reads_the_same_and_only_the_log_says_why(
    anonymous: Client, caplog: pytest.LogCaptureFixture, headers: Headers, reason: str
) -> None:
    response = await anonymous.get(PATH, headers=as_bytes(headers))

    assert_refused(response, *INVALID)
    assert refusals(caplog) == [f"refused: {reason}"]
    assert {r.levelno for r in records(caplog)} == {logging.WARNING}
    assert TOKEN not in log_of(caplog)
    assert EXPIRED not in log_of(caplog)


UNLOOKED: Final[dict[str, dict[str, Any]]] = {
    "no JSON": {"content": b"{", "headers": {"Content-Type": "application/json"}},
    "not UTF-8": {"content": b'{"title": "\xff"}', "headers": {"Content-Type": "application/json"}},
    "another type": {"content": b"<task/>", "headers": {"Content-Type": "application/xml"}},
    "no body": {},
    "an unknown field": {"json": {"title": "Buy milk", "user_id": "bob"}},
    "broken rules": {"json": {"title": ""}},
    "too large": {"json": {"title": "x" * 1_000_001}},
    "said to be too large": {"content": b"{}", "headers": {"Content-Length": "999999999999"}},
    "an unknown query parameter": {"json": {"title": "Buy milk"}, "params": {"nonsense": "1"}},
}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("request_", UNLOOKED.values(), ids=UNLOOKED)
async def test_without_a_token_nobody_is_told_what_is_wrong_with_the_rest(
    anonymous: Client, method: str, request_: dict[str, Any]
) -> None:
    path = PATH if method == "POST" else f"{PATH}/1"

    assert_refused(await anonymous.request(method, path, **request_), *MISSING)


@pytest.mark.parametrize("id", ["1", "0", "-1", "99999999999999999999"])
async def test_without_a_token_nobody_is_told_which_rows_there_are(anonymous: Client, id: str) -> None:
    assert_refused(await anonymous.get(f"{PATH}/{id}"), *MISSING)
    assert_refused(await anonymous.delete(f"{PATH}/{id}"), *MISSING)


async def test_without_a_token_the_body_is_not_even_received(anonymous: Client) -> None:
    sent = 0

    async def body() -> Any:
        nonlocal sent
        for _ in range(10):
            sent += 1
            yield b"x" * 1000

    assert_refused(await anonymous.post(PATH, content=body()), *MISSING)
    assert sent == 0


@pytest.mark.parametrize("path", ["/health", "/schema/openapi.json"])
async def test_an_open_route_does_not_look_at_the_token(anonymous: Client, path: str) -> None:
    assert (await anonymous.get(path)).status_code == 200
    assert (await anonymous.get(path, headers={"Authorization": "Bearer nonsense"})).status_code == 200


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(RuntimeError("the dice fell off the table"), id="RuntimeError"),
        pytest.param(MemoryError(), id="MemoryError"),
        pytest.param(RecursionError("too deep"), id="RecursionError"),
        pytest.param(UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), id="UnicodeEncodeError"),
        pytest.param(TypeError("unhashable type: 'list'"), id="TypeError"),
    ],
)
async def test_an_unforeseen_failure_is_a_refusal_for_the_client_and_an_error_in_the_log(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail(*_: object) -> NoReturn:
        raise error

    monkeypatch.setattr("app.core.auth.middleware.TokenVerifier.verify", fail)

    response = await client.get(PATH)

    assert_refused(response, *INVALID)
    failures = [r for r in records(caplog) if r.levelno == logging.ERROR]
    assert len(failures) == 1
    assert failures[0].exc_info
    assert failures[0].exc_info[1] is error
    assert refusals(caplog)[-1] == "refused: unforeseen"
    assert client.headers["Authorization"].split()[1] not in log_of(caplog)


async def test_a_token_is_refused_from_the_moment_on_at_which_it_expires(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await client.get(PATH)).status_code == 200

    later = time.time() + 3600
    for module in ("tokens", "verifier"):
        monkeypatch.setattr(f"app.core.auth.{module}.time", SimpleNamespace(time=lambda: later))

    assert_refused(await client.get(PATH), *INVALID)

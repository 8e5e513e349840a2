"""The access log: one line a request, which a client cannot forge, and an id for each."""

import logging
import re

import pytest
from litestar import Litestar, get
from litestar.params import FromPath

from app.asgi import create_app
from app.core.ops.access_log import AccessLog
from app.testing.clients import Client
from app.testing.databases import settings_for_tests
from tests.core.http.bodies import Resource
from tests.parts.resources import every_resource

pytestmark = pytest.mark.any_database

ACCESS = re.compile(r"([A-Z]+) (\S+) (\d{3}) (\d+\.\d)ms")


@pytest.fixture
def failing() -> Client:
    """A caller of an application that has a handler which fails."""

    @get("/fails/{name:str}", public=True)
    async def fail(name: FromPath[str]) -> None:
        raise LookupError(name)

    app = create_app(settings_for_tests("sqlite:///never-opened.db"))
    app.register(fail)
    return Client(app)


def access_lines(caplog: pytest.LogCaptureFixture) -> list[tuple[int, tuple[str, ...]]]:
    """Level, and method, path, status and duration, of each request that was logged."""
    found = []
    for record in caplog.records:
        if record.name == "app.access":
            match = ACCESS.fullmatch(record.getMessage())
            assert match, record.getMessage()
            found.append((record.levelno, match.groups()))
    return found


@every_resource
async def test_a_request_is_one_line_whose_level_says_how_it_went(
    client: Client, anonymous: Client, failing: Client, caplog: pytest.LogCaptureFixture, resource: Resource
) -> None:
    requests = [
        (anonymous, "GET", "/health", 200, logging.INFO),
        (client, "GET", resource.path, 200, logging.INFO),
        (client, "OPTIONS", resource.path, 204, logging.INFO),
        (client, "POST", resource.path, 422, logging.INFO),
        (client, "DELETE", resource.path, 405, logging.INFO),
        (anonymous, "GET", resource.path, 401, logging.WARNING),
        (client, "GET", f"{resource.path}/0", 404, logging.WARNING),
        (anonymous, "GET", "/nothing", 404, logging.WARNING),
        (failing, "GET", "/fails/here", 500, logging.ERROR),
    ]

    for caller, method, path, status, level in requests:
        caplog.clear()
        answer = await caller.request(method, path)

        assert answer.status_code == status
        ((logged, (*line, _)),) = access_lines(caplog)
        assert (logged, line) == (level, [method, path, str(status)])


@pytest.mark.parametrize(
    "path", ["/health%0a2026-01-01 forged", "/fails/a%0D%0Aforged", "/%00%1b[31m", "/%E2%80%A8", "/ä"]
)
async def test_a_path_cannot_write_a_line_of_its_own(
    failing: Client, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    await failing.get(path)

    messages = [r.getMessage() for r in caplog.records if r.name.startswith("app.")]
    assert messages
    assert [message for message in messages if not (message.isprintable() and message.isascii())] == []
    assert len(access_lines(caplog)) == 1


@every_resource
async def test_what_stands_in_the_query_is_not_logged(
    client: Client, anonymous: Client, failing: Client, caplog: pytest.LogCaptureFixture, resource: Resource
) -> None:
    for caller, path in (
        (client, resource.path),
        (anonymous, resource.path),
        (failing, "/fails/x"),
        (failing, "/none"),
    ):
        await caller.get(
            path, params={"search": "zebra"}, headers={"authorization": "zebra"} if caller is anonymous else {}
        )

    ours = [record for record in caplog.records if not record.name.startswith("httpx")]
    assert len(access_lines(caplog)) == 4
    assert "zebra" not in "".join(logging.Formatter().format(record) for record in ours)


async def test_a_request_whose_handling_breaks_off_is_logged_as_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    async def break_off(*_: object) -> None:
        raise ConnectionError

    app = Litestar(openapi_config=None, logging_config=None)
    app.asgi_handler = AccessLog(break_off)

    with pytest.raises(ConnectionError):
        await Client(app).get("/x")

    ((level, (_, path, status, _)),) = access_lines(caplog)
    assert (level, path, status) == (logging.ERROR, "/x", "500")


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [
        ("3f2a", True),
        ("a.b-C_9", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("", False),
        ("a b", False),
        ("a/b", False),
        ('a"b', False),
        ("a]\x1b[31m", False),
        ("ä", False),
        ("a\n2026-01-01 forged", False),
        ("a\n", False),
    ],
)
async def test_every_answer_names_its_request_and_a_harmless_name_is_kept(
    failing: Client, sent: str, is_kept: bool
) -> None:
    for path in ("/health", "/nothing", "/fails/here"):
        named = (await failing.get(path, headers=[(b"x-request-id", sent.encode())])).headers.get_list("x-request-id")

        assert len(named) == 1
        assert (named == [sent]) is is_kept
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", named[0])


async def test_a_name_that_is_made_is_never_made_twice(failing: Client) -> None:
    names = {(await failing.get("/health")).headers["x-request-id"] for _ in range(100)}

    assert len(names) == 100

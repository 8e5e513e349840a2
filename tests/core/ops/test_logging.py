"""Logs: one line a request, in the guide's format or as JSON, that nobody outside can write."""

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from litestar import Litestar, get
from litestar.params import FromPath

from app.asgi import create_app
from app.core.ops.access_log import AccessLog
from app.core.ops.logging import configure_logging
from app.testing.clients import Client
from app.testing.databases import settings_for_tests
from tests.core.http.bodies import Resource
from tests.parts.resources import every_resource

pytestmark = pytest.mark.any_database

DATABASE = "sqlite:///never-opened.db"
TEXT_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - ([\w.]+) - ([A-Z]+) - (.*)")
ACCESS = re.compile(r"([A-Z]+) (\S+) (\d{3}) (\d+\.\d)ms")


@pytest.fixture
def captured(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """What is written to standard error; the handlers of this process are put back afterwards."""
    root, levels = logging.getLogger(), [logging.getLogger(name) for name in ("", "uvicorn.access")]
    handlers, before = root.handlers[:], [(logger, logger.level) for logger in levels]
    try:
        yield capsys
    finally:
        root.handlers[:] = handlers
        for logger, level in before:
            logger.setLevel(level)


@pytest.fixture
def failing() -> Client:
    """A caller of an application that has a handler which fails."""

    @get("/fails/{name:str}", public=True)
    async def fail(name: FromPath[str]) -> None:
        raise LookupError(name)

    app = create_app(settings_for_tests(DATABASE))
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


def write_log(log_format: Literal["text", "json"], level: str = "INFO") -> None:
    configure_logging(settings_for_tests(DATABASE, log_format=log_format, log_level=level))
    logger = logging.getLogger("app.somewhere")
    logger.debug("too small to tell")
    logger.warning("%d rows\nin two lines: “ä”", 5)
    try:
        raise LookupError("not there")
    except LookupError:
        logger.exception("it failed")


def test_a_line_of_text_has_the_form_of_the_guide(captured: pytest.CaptureFixture[str]) -> None:
    write_log("text")

    lines = captured.readouterr().err.splitlines()
    first = TEXT_LINE.fullmatch(lines[0])
    assert first
    assert first.groups() == ("app.somewhere", "WARNING", "5 rows")
    failed = TEXT_LINE.fullmatch(lines[2])
    assert failed
    assert failed.groups() == ("app.somewhere", "ERROR", "it failed")
    assert lines[3].startswith("Traceback")
    assert lines[-1] == "LookupError: not there"


def test_a_line_of_json_is_one_object_with_everything_in_it(captured: pytest.CaptureFixture[str]) -> None:
    write_log("json")

    warned, failed = (json.loads(line) for line in captured.readouterr().err.splitlines())
    moment = datetime.fromisoformat(warned.pop("time"))
    assert moment.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)
    assert warned == {"module": "app.somewhere", "level": "WARNING", "message": "5 rows\nin two lines: “ä”"}
    assert (failed["level"], failed["message"]) == ("ERROR", "it failed")
    assert failed["traceback"].startswith("Traceback")
    assert failed["traceback"].endswith("LookupError: not there")


@pytest.mark.parametrize(("level", "lines"), [("DEBUG", 3), ("INFO", 2), ("WARNING", 2), ("ERROR", 1)])
def test_the_setting_says_how_much_is_logged(captured: pytest.CaptureFixture[str], level: str, lines: int) -> None:
    write_log("json", level)

    written = captured.readouterr().err.splitlines()
    assert len([line for line in written if '"app.somewhere"' in line]) == lines


def test_the_server_writes_no_second_line_for_a_request(captured: pytest.CaptureFixture[str]) -> None:
    configure_logging(settings_for_tests(DATABASE))
    logging.getLogger("uvicorn.access").info("GET /health 200")
    logging.getLogger("uvicorn.error").info("started")

    (line,) = captured.readouterr().err.splitlines()
    assert line.endswith("uvicorn.error - INFO - started")


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


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_every_line_of_a_request_names_it_and_a_line_outside_of_one_does_not(
    captured: pytest.CaptureFixture[str], log_format: Literal["text", "json"]
) -> None:
    @get("/fails", public=True)
    async def fail() -> None:
        raise LookupError

    app = create_app(settings_for_tests(DATABASE, log_format=log_format))
    app.register(fail)

    await Client(app).get("/fails", headers={"X-Request-ID": "zebra"})
    logging.getLogger("app.somewhere").info("outside")

    lines = [line for line in captured.readouterr().err.splitlines() if " - app." in line or '"app.' in line]
    assert len(lines) == 3
    if log_format == "json":
        assert [json.loads(line).get("request_id") for line in lines] == ["zebra", "zebra", None]
    else:
        assert [line.endswith(" [zebra]") for line in lines] == [True, True, False]


async def test_requests_at_the_same_time_do_not_take_each_others_names(captured: pytest.CaptureFixture[str]) -> None:
    app = create_app(settings_for_tests(DATABASE))

    await asyncio.gather(
        *(Client(app).get(f"/nothing/{number}", headers={"X-Request-ID": f"id-{number}"}) for number in range(20))
    )

    lines = [line for line in captured.readouterr().err.splitlines() if "app.access" in line]
    assert len(lines) == 20
    assert all(re.search(r"GET /nothing/(\d+) 404 \S+ \[id-\1\]$", line) for line in lines)

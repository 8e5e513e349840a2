"""Logs: in the guide's format or as JSON, with the id of the request."""

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from litestar import get

from app.asgi import create_app
from app.core.ops.logging import configure_logging
from app.testing.clients import Client
from app.testing.databases import settings_for_tests

pytestmark = pytest.mark.any_database

DATABASE = "sqlite:///never-opened.db"
TEXT_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - ([\w.]+) - ([A-Z]+) - (.*)")


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

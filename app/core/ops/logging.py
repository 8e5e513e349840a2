"""Logging: one line a request, in the guide's format or as JSON for machines; every line names its request."""

import json
import logging
import logging.config
import re
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from http import HTTPStatus
from random import getrandbits
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from app.settings import Settings

access_logger = logging.getLogger("app.access")

_WARNINGS: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.MISDIRECTED_REQUEST,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
_REQUEST_ID: Final = b"x-request-id"
_SANE_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")

_request_id: ContextVar[str] = ContextVar("request_id", default="")


class RequestIdFilter(logging.Filter):
    """Lets every record pass, and gives it `request_id` and, for lines of text, `in_request`; both may be empty."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the id of the request that is served here and now."""
        record.request_id = request_id = _request_id.get()
        record.in_request = f" [{request_id}]" if request_id else ""
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), module, level, message, and, where known, request and traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "module": record.name,
            "level": record.levelname,
            "message": record.getMessage(),
        }
        if request_id := getattr(record, "request_id", ""):
            line["request_id"] = request_id
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure_logging(settings: Settings) -> None:
    """Send everything that is logged in this process to standard error, in the format that is set."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "text": {
                    "format": "%(asctime)s - %(name)s - %(levelname)s - %(message)s%(in_request)s",
                    "datefmt": "%Y-%m-%d %H:%M:%S",
                },
                "json": {"()": JsonFormatter},
            },
            "filters": {"request": {"()": RequestIdFilter}},
            "handlers": {
                "stderr": {
                    "class": "logging.StreamHandler",
                    "formatter": settings.log_format,
                    "filters": ["request"],
                }
            },
            "root": {"handlers": ["stderr"], "level": settings.log_level},
            # uvicorn's start and stop are worth a line, its own access log would be a second one for each request;
            # what comes of fetching keys, or of a migration, is said by those who asked for it.
            "loggers": {
                "uvicorn.access": {"level": "CRITICAL"},
                "httpx": {"level": "WARNING"},
                "alembic": {"level": "WARNING"},
            },
        }
    )


class AccessLog:
    """Outermost of all: names each request, times it and writes its one line, also where no route was found.

    The answer carries the name in X-Request-ID. One that comes with the request is kept if it is of harmless letters.

    INFO is normal work, WARNING a missing row or a refused caller, ERROR a failure. The query is left out, because it
    may hold what a user looks for.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request and log how it went."""
        if scope["type"] != ScopeType.HTTP:
            return await self._app(scope, receive, send)
        started, status = time.perf_counter(), HTTPStatus.INTERNAL_SERVER_ERROR.value
        request_id = _id_of(scope)
        outer = _request_id.set(request_id.decode())

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (_REQUEST_ID, request_id)]
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            _log(scope, status, time.perf_counter() - started)
            _request_id.reset(outer)


def _id_of(scope: Any) -> bytes:
    sent: bytes = dict(scope["headers"]).get(_REQUEST_ID, b"")
    if _SANE_ID.fullmatch(sent):
        return sent
    return b"%032x" % getrandbits(128)  # a name and no secret


def _log(scope: Any, status: int, seconds: float) -> None:
    level = logging.ERROR if status >= 500 else logging.WARNING if status in _WARNINGS else logging.INFO
    path = scope["raw_path"].decode("latin-1")  # still percent-encoded, so that nobody can write a line of their own
    access_logger.log(level, "%s %s %d %.1fms", scope["method"], path, status, seconds * 1000)

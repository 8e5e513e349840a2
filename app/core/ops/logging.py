"""Logging: one line a request, in the guide's format, or JSON for machines."""

import json
import logging
import logging.config
import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from app.settings import Settings

access_logger = logging.getLogger("app.access")

_WARNINGS: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS})


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), module, level, message, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "module": record.name,
            "level": record.levelname,
            "message": record.getMessage(),
        }
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
                    "format": "%(asctime)s - %(name)s - %(levelname)s - %(message)s",
                    "datefmt": "%Y-%m-%d %H:%M:%S",
                },
                "json": {"()": JsonFormatter},
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": settings.log_format}},
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
    """Outermost of all: times each request and writes its one line, also where no route was found.

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

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            _log(scope, status, time.perf_counter() - started)


def _log(scope: Any, status: int, seconds: float) -> None:
    level = logging.ERROR if status >= 500 else logging.WARNING if status in _WARNINGS else logging.INFO
    path = scope["raw_path"].decode("latin-1")  # still percent-encoded, so that nobody can write a line of their own
    access_logger.log(level, "%s %s %d %.1fms", scope["method"], path, status, seconds * 1000)

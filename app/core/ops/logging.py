"""Logging to standard error, as text or JSON. Each line of a request has the request's id."""

import json
import logging
import logging.config
from datetime import UTC, datetime

from app.core.ops.access_log import current_request_id
from app.settings import Settings


class RequestIdFilter(logging.Filter):
    """Adds the request's id to each record: as `request_id`, and as `in_request` for lines of text."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id = current_request_id.get()
        record.in_request = f" [{request_id}]" if request_id else ""
        return True


class JsonFormatter(logging.Formatter):
    """Writes one JSON object a line; `time` is RFC 3339 in UTC."""

    def format(self, record: logging.LogRecord) -> str:
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
    """Send all log records of this process to standard error, in the format of LOG_FORMAT."""
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
            # AccessLog replaces uvicorn's access log. The callers of httpx and alembic log the results themselves.
            "loggers": {
                "uvicorn.access": {"level": "CRITICAL"},
                "httpx": {"level": "WARNING"},
                "alembic": {"level": "WARNING"},
            },
        }
    )

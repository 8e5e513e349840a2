"""Access log: one line per request with method, path, status and duration. Every request has an id."""

import logging
import re
import time
from collections.abc import Awaitable
from contextvars import ContextVar
from http import HTTPStatus
from random import getrandbits
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

access_logger = logging.getLogger("app.access")

current_request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""The id of the request that is served now; empty outside of one."""

# A missing row, or a refused client. Other 4xx are INFO.
_WARNINGS: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.MISDIRECTED_REQUEST,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
_HEADER: Final = b"x-request-id"
_SAFE_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class AccessLog:
    """Logs each request, also one that fails, and returns its id in X-Request-ID."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            return await self._app(scope, receive, send)
        started, status = time.perf_counter(), HTTPStatus.INTERNAL_SERVER_ERROR.value
        request_id = _id_of(scope)
        before = current_request_id.set(request_id.decode())

        # One wrapper of `send` for the status and the id: a second one costs each request 0.3 µs.
        def send_with_id(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (_HEADER, request_id)]
            return send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            _log(scope, status, time.perf_counter() - started)
            current_request_id.reset(before)


def _id_of(scope: HTTPScope) -> bytes:
    sent = dict(scope["headers"]).get(_HEADER, b"")
    if _SAFE_ID.fullmatch(sent):  # it cannot forge a line of the log
        return sent
    return b"%032x" % getrandbits(128)  # an id is no secret


def _log(scope: HTTPScope, status: int, seconds: float) -> None:
    level = logging.ERROR if status >= 500 else logging.WARNING if status in _WARNINGS else logging.INFO
    # The path is still percent-encoded, so it cannot forge a line. The query may contain private search terms.
    path = scope["raw_path"].decode("latin-1")
    access_logger.log(level, "%s %s %d %.1fms", scope["method"], path, status, seconds * 1000)

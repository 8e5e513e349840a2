"""The edge: what holds for every request and every answer, of known paths and unknown ones, and of failures.

One layer adds all headers to an answer, because each layer more costs every request its time.
"""

import asyncio
import logging
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from app.core.http.edge.cors import AnswerHeaders, preflight_headers
from app.core.http.edge.hosts import PROBES, Hosts
from app.core.http.edge.methods import naming_all_methods
from app.core.http.edge.root_path import with_root_path, without_root_path
from app.core.http.edge.security_headers import merge, security_headers
from app.core.http.headers import Headers
from app.core.http.problems import send_error
from app.core.http.rate_limit.middleware import rate_limit_headers
from app.settings import Settings
from app.settings.formats import split_list

logger = logging.getLogger(__name__)

BODY_WITHIN: Final = 30.0  # seconds in which a client has to send the whole of its body

_BODILESS: Final = frozenset({"GET", "OPTIONS"})
_HANG_UP: Final = {"Connection": "close"}
_LONGEST_NAME: Final = 100


class Edge:
    """Answers preflights, turns away who calls another host, gives bodies a time limit and answers their headers."""

    def __init__(self, app: ASGIApp, settings: Settings, body_within: float = BODY_WITHIN) -> None:
        self._app = app
        self._hosts = Hosts(split_list(settings.allowed_hosts))
        self._body_within = body_within
        security = security_headers(https_only=settings.is_production)
        self._added = AnswerHeaders(split_list(settings.cors_origins), security)
        self._preflight = preflight_headers(split_list(settings.cors_headers))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request."""
        if scope["type"] != ScopeType.HTTP:
            return await self._app(scope, receive, send)
        if root := scope.get("root_path"):
            scope, send = without_root_path(scope), with_root_path(root, send)
        if scope["method"] == "HEAD":  # it is answered as GET is, and the server keeps the body (RFC 9110, 9.3.2)
            scope = {**scope, "method": "GET"}
        sent = dict(scope["headers"])
        added = self._added.to(sent.get(b"origin"))
        is_started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal is_started
            if message["type"] == "http.response.start":
                is_started = True
                message["headers"] = merge(message["headers"], added) + rate_limit_headers(scope)
            await send(message)

        if self._hosts.checks and scope["path"] not in PROBES and not self._is_called_by_name(scope):
            return await send_error(send_with_headers, 421, "This service does not answer to that host name")
        if (
            scope["method"] == "OPTIONS"
            and b"access-control-request-method" in sent
            and added is not self._added.others
        ):
            return await _allow(send_with_headers, self._preflight)
        if _has_two_readings(scope):
            return await send_error(send_with_headers, 404, "Not Found")
        if scope["method"] not in _BODILESS:
            receive = _in_time(receive, self._body_within)
        answer = naming_all_methods(scope, send_with_headers) if scope["method"] == "OPTIONS" else send_with_headers
        try:
            await self._app(scope, receive, answer)
        except Exception:
            if not is_started:  # not even the handlers of exceptions could answer
                await send_error(send_with_headers, 500, "Internal server error")
            raise

    def _is_called_by_name(self, scope: Any) -> bool:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        is_allowed = self._hosts.allow(hosts)
        if not is_allowed:
            logger.warning("refused: ALLOWED_HOSTS does not have %a", b" ".join(hosts)[:_LONGEST_NAME])
        return is_allowed


def _has_two_readings(scope: Any) -> bool:
    """Tell whether the path has an empty segment or an encoded slash, of which routers make different things.

    A rule of a proxy for `/schema` would not be found for `//schema`, which Litestar takes for the same.
    """
    return "//" in scope["path"] or (b"%" in scope["raw_path"] and b"%2f" in scope["raw_path"].lower())


async def _allow(send: Send, headers: Headers) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _in_time(receive: Receive, seconds: float) -> Receive:
    """Return a `receive` that gives up on a body which has not come to its end by then."""
    deadline = asyncio.get_running_loop().time() + seconds
    is_complete = False

    async def receive_in_time() -> Any:
        nonlocal is_complete
        if is_complete:
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise HTTPException("The body took too long to arrive", status_code=408, headers=_HANG_UP) from None
        if message["type"] == "http.disconnect":  # for whom there is no answer any more, but a line in the log
            raise HTTPException("The client hung up before the end of the body", status_code=408, headers=_HANG_UP)
        is_complete = not message.get("more_body", False)
        return message

    return receive_in_time

"""The protocol: HTTP/1.1 by httptools and uvicorn, with strict framing and limits on the input of clients.

A malformed request gets an error response, and its connection is closed. Litestar limits the size of a body, and
`core/http/edge/body_timeout.py` its time.
"""

import asyncio
import logging
from inspect import CORO_CREATED, getcoroutinestate
from typing import Any, ClassVar, Final
from urllib.parse import unquote

from uvicorn._types import HTTPScope
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.core.ops.server.connection import BETWEEN_REQUESTS, BODY, HEAD
from app.core.ops.server.framing import check_head, origin_form
from app.core.ops.server.parsing import ParsingConnection
from app.core.ops.server.rejections import RequestRejected, headers_too_large

logger = logging.getLogger(__name__)

PROTOCOL: Final = f"{__name__}:HttpProtocol"
DRAINING: Final = "draining"
"""The key in the lifespan state that is set while the process drains: each response then closes its connection."""

_WHITESPACE: Final = b" \t"


class HttpProtocol(ParsingConnection):
    """Serves the requests of a connection one after the other."""

    max_discarded_bytes: ClassVar[int] = 1_000_000  # of a body, after its response
    max_header_fields: ClassVar[int] = 200  # also the limit of trailer fields

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._pending_rejection: RequestRejected | None = None  # sent after the requests before it are served
        self._discarded_bytes = 0
        self._trailers = 0
        self._task: Any = None  # of `active_cycle`

    def on_message_begin(self) -> None:
        self.read_state = HEAD
        self.url = b""
        self.headers = []
        self._discarded_bytes = self._trailers = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.read_state is not HEAD:
            self._trailers += 1  # counted and dropped: a trailer must not pass for a header (RFC 9110, 6.5.1)
            if self._trailers > self.max_header_fields:
                raise headers_too_large()
            return
        self.headers.append((name.lower(), value.rstrip(_WHITESPACE)))  # httptools keeps trailing whitespace

    def on_headers_complete(self) -> None:
        if len(self.headers) > self.max_header_fields:
            raise headers_too_large()
        parser = self.parser
        method, version = parser.get_method(), parser.get_http_version()
        check_head(method, self.url, version, self.headers)
        if parser.should_upgrade():
            return  # see `ParsingConnection._feed`
        target = origin_form(self.url, self.headers, is_options=method == b"OPTIONS")
        self.stop_timer()
        self.read_state, self.framing_bytes = BODY, 0
        is_last = (
            version == "1.0" or self.is_shutting_down or DRAINING in self.app_state or not parser.should_keep_alive()
        )
        self.cycle = self._make_cycle(self._make_scope(method, target, version), keep_alive=not is_last)
        if self.is_serving:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))
        else:
            self._start_asgi_task(self.cycle, self.app)

    def on_body(self, body: bytes) -> None:
        self.framing_bytes = 0
        if self.cycle.response_complete:
            self._discarded_bytes += len(body)
        else:
            super().on_body(body)
        if self._discarded_bytes > self.max_discarded_bytes:
            self.close()

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self.read_state, self.framing_bytes = BETWEEN_REQUESTS, 0
        self.is_read_closed = not self.cycle.keep_alive  # no bytes are read after the last request (RFC 9112, 9.6)
        super().on_message_complete()
        if self.cycle.response_complete:
            self._await_next_request()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.is_closing:
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        if not self.pipeline:
            self.resume_parsing()
        if self.is_serving or self.is_closing:
            return
        if self._pending_rejection is not None:
            self._respond_and_close(self._pending_rejection)
        else:
            self._await_next_request()

    def _make_scope(self, method: bytes, target: bytes, version: str) -> HTTPScope:
        raw_path, _, query = target.partition(b"?")
        path = raw_path.decode("ascii")
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme or "http",
            "method": method.decode("ascii"),
            "root_path": self.root_path,
            "path": self.root_path + (unquote(path) if "%" in path else path),
            "raw_path": self.root_path.encode("ascii") + raw_path,
            "query_string": query,
            "headers": self.headers,
            "state": self.app_state.copy(),
        }

    def _make_cycle(self, scope: HTTPScope, *, keep_alive: bool) -> RequestResponseCycle:
        return RequestResponseCycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=(b"expect", b"100-continue") in self.headers,  # in lower case, see `check_head`
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self.active_cycle = cycle
        self._task = task = self.loop.create_task(cycle.run_asgi(app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _await_next_request(self) -> None:
        if self.has_received_eof:
            self.close(linger=False)
            return
        self.is_idle = self.read_state is BETWEEN_REQUESTS
        self.start_timer(self.timeout_keep_alive if self.is_idle else self.discard_timeout)

    def reject(self, rejection: RequestRejected) -> None:
        """Send an error response instead of serving the request, after the responses before it, and close."""
        if self.is_read_closed or self.is_closing:
            return
        logger.warning("request rejected: %s", rejection.detail)
        self.is_read_closed = True
        is_in_body = self.read_state is BODY
        if is_in_body and self.cycle is self.active_cycle:
            self._reject_active(rejection)
        elif self.is_serving:
            if is_in_body:
                self.pipeline.popleft()  # its body stays incomplete
            self._pending_rejection = rejection
        else:
            self._respond_and_close(rejection)

    def _reject_active(self, rejection: RequestRejected) -> None:
        # The application waits for the rest of the body; respond in its place, unless its response has started.
        if getcoroutinestate(self._task.get_coro()) == CORO_CREATED:
            self._task.cancel()  # head and error arrived together: the application is not called
        if self.cycle.response_started:
            self.close()
        else:
            self._respond_and_close(rejection)

    def _respond_and_close(self, rejection: RequestRejected) -> None:
        self.transport.write(rejection.response())
        self.close()

"""Parsing: received bytes go to the parser in small parts; while pipelined requests wait, reading pauses."""

from abc import abstractmethod
from typing import Any, ClassVar

import httptools  # type: ignore[import-untyped]

from app.core.ops.server.connection import BODY, Connection
from app.core.ops.server.framing import MAX_TARGET_BYTES, without_upgrade
from app.core.ops.server.rejections import RequestRejected, headers_too_large, malformed, target_too_long


class ParsingConnection(Connection):
    """A connection that parses requests. Of pipelined requests, a few wait; the rest stays unread."""

    max_head_bytes: ClassVar[int] = 65_536  # also for the framing of a body: trailers, and chunk headers without data
    parse_bytes: ClassVar[int] = 8192  # parsed at once; the requests in them are served before the next part

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.parser = httptools.HttpRequestParser(self)  # strict: uvicorn makes its own parser lenient
        self.is_idle = False  # keep-alive: waits for the first byte of the next request
        self.is_read_closed = False  # received bytes are ignored
        self.has_received_eof = False  # the client sends no more
        self.framing_bytes = 0  # of this head, or since the last byte of body data
        self._buffered = b""  # received, but parsed only after the pipelined requests before it

    @abstractmethod
    def reject(self, rejection: RequestRejected) -> None:
        """Send an error response and close."""

    def data_received(self, data: bytes) -> None:
        if self.is_read_closed or self.is_closing:
            return
        was_idle, self.is_idle = self.is_idle, False
        buffered, self._buffered = self._buffered, b""
        self._parse(buffered + data if buffered else data)
        if was_idle and not self.is_serving:  # after parsing: most heads arrive complete and need no timer
            self.start_timer(self.header_timeout)

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it
        """Keep the connection open (return True) while complete requests wait for their response."""
        # A client may close its sending half after its last request (RFC 9293, 3.6). During a streaming response it
        # may also be gone, so the connection is closed.
        self.has_received_eof = True
        is_cut_off = self.read_state is BODY and not self._buffered
        if is_cut_off and self.pipeline:
            self.pipeline.popleft()  # its body stays incomplete
            is_cut_off = False
        return self.is_serving and not is_cut_off and not self.active_cycle.response_started

    def resume_parsing(self) -> None:
        """Parse the buffered bytes; read more if no request waits."""
        buffered, self._buffered = self._buffered, b""
        self._parse(buffered)
        if not self.pipeline:
            self.flow.resume_reading()

    def _parse(self, data: bytes) -> None:
        # Parse until a request has to wait. The rest stays as bytes, and reading pauses.
        for start in range(0, len(data), self.parse_bytes):
            if self.pipeline:
                self._buffered = data[start:]
                self.flow.pause_reading()
                return
            part = data[start : start + self.parse_bytes]
            self.framing_bytes += len(part)
            self._feed(part)
            if self.framing_bytes > self.max_head_bytes:
                is_target = len(self.url) > MAX_TARGET_BYTES
                self.reject(target_too_long(MAX_TARGET_BYTES) if is_target else headers_too_large())
            if self.is_read_closed or self.is_closing:
                return

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # Upgrade is optional for the server, but httptools skips the body of such a request. Parse the head again
            # without Upgrade.
            head = without_upgrade(self.parser.get_method(), self.url, self.parser.get_http_version(), self.headers)
            self.parser = httptools.HttpRequestParser(self)
            self._feed(head + data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self.reject(_rejection_for(error))


def _rejection_for(error: httptools.HttpParserError) -> RequestRejected:
    if isinstance(error.__context__, RequestRejected):
        return error.__context__
    return malformed("it cannot be parsed")

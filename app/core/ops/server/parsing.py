"""Reading: the bytes that arrive go to the parser, no more at once than what can be served soon."""

from abc import abstractmethod
from typing import Any, ClassVar

import httptools  # type: ignore[import-untyped]

from app.core.ops.server.connection import BODY, Connection
from app.core.ops.server.framing import without_upgrade
from app.core.ops.server.rejections import RequestRejected, headers_too_large, malformed


class ParsingConnection(Connection):
    """Reads from a connection. A client may send the next requests without waiting for answers, but not without end."""

    max_head_bytes: ClassVar[int] = 65_536  # bytes; also of what frames a body: trailers, and chunk headers in a row
    parse_bytes: ClassVar[int] = 8192  # bytes that are parsed at once: what they ask for is served before the next

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.parser = httptools.HttpRequestParser(self)  # without the leniency that uvicorn gives it
        self.is_idle = False  # waits, and nothing of the next request has come
        self.is_read_closed = False  # reads no more requests
        self.has_received_eof = False  # nothing more comes
        self.framing_bytes = 0  # bytes of this head, or since the last byte of a body
        self._buffered = b""  # has arrived, and is parsed when the requests before it are served

    @abstractmethod
    def reject(self, rejection: RequestRejected) -> None:
        """Answer what is not understood, and close."""

    def data_received(self, data: bytes) -> None:
        """Take what has arrived."""
        if self.is_read_closed or self.is_closing:
            return
        was_idle, self.is_idle = self.is_idle, False
        kept, self._buffered = self._buffered, b""
        self._parse(kept + data if kept else data)
        if was_idle and not self.is_serving:  # nearly all heads are complete by now, and need no timer
            self.start_timer(self.header_timeout)

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it
        """Serve what is complete, and hang up then: a client may close its half when it has asked (RFC 9293, 3.6).

        Of a stream nobody knows whether the client still listens; it is told that the client is gone.
        """
        self.has_received_eof = True
        is_cut_off = self.read_state is BODY and not self._buffered
        if is_cut_off and self.pipeline:
            self.pipeline.popleft()  # it will never be complete
            is_cut_off = False
        return self.is_serving and not is_cut_off and not self.active_cycle.response_started

    def resume_parsing(self) -> None:
        """Parse what was kept, and read more where no request has to wait."""
        kept, self._buffered = self._buffered, b""
        self._parse(kept)
        if not self.pipeline:
            self.flow.resume_reading()

    def _parse(self, data: bytes) -> None:
        """Parse until a request has to wait; the rest waits as the bytes that it is, and nothing more is read."""
        for start in range(0, len(data), self.parse_bytes):
            if self.pipeline:
                self._buffered = data[start:]
                self.flow.pause_reading()
                return
            part = data[start : start + self.parse_bytes]
            self.framing_bytes += len(part)
            self._feed(part)
            if self.framing_bytes > self.max_head_bytes:
                self.reject(headers_too_large())
            if self.is_read_closed or self.is_closing:
                return

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            # The request is good without the offer of another protocol, but httptools has left its body out. So its
            # head is read again, without the offer.
            head = without_upgrade(self.parser.get_method(), self.url, self.parser.get_http_version(), self.headers)
            self.parser = httptools.HttpRequestParser(self)
            self._feed(head + data[offer.args[0] :])
        except httptools.HttpParserError as error:
            self.reject(_rejection_for(error))


def _rejection_for(error: httptools.HttpParserError) -> RequestRejected:
    if isinstance(error.__context__, RequestRejected):
        return error.__context__
    return malformed("a proxy could read it in another way")

"""Reading: the bytes that arrive go to the parser, no more at once than what can be served soon."""

from abc import abstractmethod
from typing import Any, ClassVar

import httptools  # type: ignore[import-untyped]

from app.core.ops.server.connection import BODY, Connection
from app.core.ops.server.framing import without_upgrade
from app.core.ops.server.refusals import Refused, malformed, too_large


class Reader(Connection):
    """Reads from a connection. A client may send the next requests without waiting for answers, but not without end."""

    largest_head: ClassVar[int] = 65_536  # bytes; also of what frames a body: trailers, and chunk headers in a row
    most_at_once: ClassVar[int] = 8192  # bytes that are parsed at once: what they ask for is served before the next

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.parser = httptools.HttpRequestParser(self)  # without the leniency that uvicorn gives it
        self.is_idle = False  # waits, and nothing of the next request has come
        self.is_deaf = False  # reads no more requests
        self.has_ended = False  # nothing more comes
        self.size = 0  # bytes of this head, or since the last byte of a body
        self._kept = b""  # has arrived, and is parsed when the requests before it are served

    @abstractmethod
    def refuse(self, refusal: Refused) -> None:
        """Answer what is not understood, and close."""

    def data_received(self, data: bytes) -> None:
        """Take what has arrived."""
        if self.is_deaf or self.is_hung_up:
            return
        was_idle, self.is_idle = self.is_idle, False
        kept, self._kept = self._kept, b""
        self._parse(kept + data if kept else data)
        if was_idle and not self.is_serving:  # nearly all heads are complete by now, and need no timer
            self.start_timer(self.head_within)

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it
        """Serve what is complete, and hang up then: a client may close its half when it has asked (RFC 9293, 3.6).

        Of a stream nobody knows whether the client still listens; it is told that the client is gone.
        """
        self.has_ended = True
        is_cut_off = self.part is BODY and not self._kept
        if is_cut_off and self.pipeline:
            self.pipeline.popleft()  # it will never be complete
            is_cut_off = False
        return self.is_serving and not is_cut_off and not self.running.response_started

    def read_on(self) -> None:
        """Parse what was kept, and read more where no request has to wait."""
        kept, self._kept = self._kept, b""
        self._parse(kept)
        if not self.pipeline:
            self.flow.resume_reading()

    def _parse(self, data: bytes) -> None:
        """Parse until a request has to wait; the rest waits as the bytes that it is, and nothing more is read."""
        for start in range(0, len(data), self.most_at_once):
            if self.pipeline:
                self._kept = data[start:]
                self.flow.pause_reading()
                return
            part = data[start : start + self.most_at_once]
            self.size += len(part)
            self._feed(part)
            if self.size > self.largest_head:
                self.refuse(too_large())
            if self.is_deaf or self.is_hung_up:
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
            self.refuse(_refusal_of(error))


def _refusal_of(error: httptools.HttpParserError) -> Refused:
    if isinstance(error.__context__, Refused):
        return error.__context__
    return malformed("a proxy could read it in another way")

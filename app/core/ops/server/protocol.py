"""The server's patience: uvicorn's protocol, with the limits on a request's head that it lacks, and a last call.

A connection that says nothing, or sends its head byte by byte, would otherwise stay open for good, and a head without
an end would be kept in memory. A body has its limits further in: its size in Litestar, its time at the edge.

And when the process is told to end, uvicorn would close each connection that looks idle at once, also one whose next
request has arrived and is not read yet: its client sees a reset, and cannot know what became of the request.
"""

import asyncio
import logging
from typing import Any, ClassVar, Final

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.core.http.errors import Error
from app.core.http.headers import security_headers

logger = logging.getLogger(__name__)

PROTOCOL: Final = f"{__name__}:PatientProtocol"


def _refusal(status: bytes, detail: str) -> bytes:
    """An answer to what the application never hears of, like those that it gives."""
    body = msgspec.json.encode(Error(detail))
    own = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), (b"connection", b"close")]
    lines = [b"%s: %s" % pair for pair in (*own, *security_headers(https_only=False))]
    return b"\r\n".join([b"HTTP/1.1 " + status, *lines, b"", body])


_TOO_LARGE: Final = _refusal(b"431 Request Header Fields Too Large", "The head of the request is too large")
_NOT_HTTP: Final = _refusal(b"400 Bad Request", "This is no valid HTTP request, or it has too many headers")


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 by httptools: heads come in time and in a sane size, and who asked before the end is answered."""

    last_call: ClassVar[float] = 0.2  # seconds in which a request may still come after the process is told to end
    head_within: ClassVar[float] = 10.0  # seconds, counted from its first byte or from the opening of the connection
    largest_head: ClassVar[int] = 65_536  # bytes; those that are read together with the last of them are let pass
    most_fields: ClassVar[int] = 200  # headers, and trailers behind a body in chunks

    _is_ending = False
    _timer: asyncio.TimerHandle | None = None
    _is_in_head = True
    _size = 0

    def connection_made(self, transport: Any) -> None:
        """Wait for a head, but not for ever."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        super().on_message_begin()
        self._is_in_head, self._size = True, 0

    def on_headers_complete(self) -> None:
        """Note that it has ended.

        Raises:
            ValueError: it has too many headers; uvicorn makes a 400 of it.
        """
        if len(self.headers) > self.most_fields:
            raise ValueError("too many headers")
        self._is_in_head, self._size = False, 0
        super().on_headers_complete()
        if self._is_ending and self.cycle:
            self.cycle.keep_alive = False  # the last answer says that it is

    def data_received(self, data: bytes) -> None:
        """Take what has arrived; a head that is complete by then, as nearly all are, needs no timer."""
        super().data_received(data)
        if not self._is_in_head:
            self._stop_timer()
        elif not self.transport.is_closing():
            self._size += len(data)
            self._start_timer()
        if self._size > self.largest_head or (self.headers and len(self.headers) > self.most_fields):
            self._refuse()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, in the one form of errors; uvicorn would do so in plain text."""
        logger.warning("refused: this is no valid HTTP request")
        self.transport.write(_NOT_HTTP)
        self.transport.close()

    def shutdown(self) -> None:
        """Close after the answer that is under way, or after the one to a request that comes within a moment."""
        self._is_ending = True
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(self.last_call, super().shutdown)
        else:
            super().shutdown()

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.head_within, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self) -> None:
        if not self.transport.is_closing():
            logger.warning("refused: the head of a request is too large")
            if self._is_in_head and (self.cycle is None or self.cycle.response_complete):
                self.transport.write(_TOO_LARGE)
            self.transport.close()

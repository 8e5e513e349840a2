"""A connection: its timeouts, its closing, and the limits on the number of connections and unread bytes."""

import asyncio
import logging
from enum import Enum
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.core.ops.server.rejections import too_many_connections
from app.core.ops.server.transport import TransportProxy

logger = logging.getLogger(__name__)


class ReadState(Enum):
    """The part of a request that the parser is in."""

    BETWEEN_REQUESTS = 0
    HEAD = 1
    BODY = 2


BETWEEN_REQUESTS, HEAD, BODY = ReadState  # globals: access through the Enum class takes three times as long


class Connection(HttpToolsProtocol):
    """A connection with timeouts, in seconds, and limits per process."""

    header_timeout: ClassVar[float] = 10.0  # for a head, from its first byte or from the start of the connection
    discard_timeout: ClassVar[float] = 10.0  # for the rest of a body after its response
    send_timeout: ClassVar[float] = 30.0  # between two reads of the client while it has a response to read
    idle_shutdown_delay: ClassVar[float] = 0.2  # for a request that is already on its way at shutdown
    linger_timeout: ClassVar[float] = 2.0  # lingering close: for bytes that arrive after the last response
    max_connections: ClassVar[int] = 10_000  # per process; `serving_process.py` sets it from the limit of open files
    max_unsent_bytes: ClassVar[int] = 2**28  # of responses that clients have not read, per process

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.read_state = BETWEEN_REQUESTS
        self.active_cycle: Any = None  # of the request that is served, or was served last
        self.is_shutting_down = False
        self.is_closing = False
        self._raw_transport: Any = None
        # While no request is served: between requests, during a head, or during the rest of a body after its response.
        self._timer: asyncio.TimerHandle | None = None
        self._send_timer: asyncio.TimerHandle | None = None  # while the client does not read

    @property
    def is_serving(self) -> bool:
        return self.active_cycle is not None and not self.active_cycle.response_complete

    def connection_made(self, transport: Any) -> None:
        self._raw_transport = transport
        super().connection_made(TransportProxy(transport, self.close))  # type: ignore[arg-type]  # it has all that uvicorn uses
        self.client = self.client or ("127.0.0.1", 0)  # a Unix socket: the client is on this machine
        if len(self.connections) <= self.max_connections or self._evict_connection():
            self.start_timer(self.header_timeout)
        else:
            logger.warning("connection refused: there are %d connections", len(self.connections))
            self.transport.write(too_many_connections().response())
            self.close(linger=False)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closing = True
        self.stop_timer()
        self._stop_send_timer()
        self._notify_disconnect()
        super().connection_lost(exc)

    def start_timer(self, seconds: float) -> None:
        """Close the connection after so many seconds; a new timer replaces the old one."""
        if not self.is_closing:
            self.stop_timer()
            self._timer = self.loop.call_later(seconds, self.close)

    def stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self, *, linger: bool = True) -> None:
        """Close the connection. No further request is served.

        If the client may still be sending, its bytes are read and discarded for `linger_timeout`: closing a socket with
        unread bytes resets the connection, and the client can lose the last response (RFC 9112, 9.6).
        """
        if self.is_closing:
            return
        self.is_closing = True
        self.stop_timer()
        self._notify_disconnect()
        if self.read_state is BETWEEN_REQUESTS or not linger:
            self._close_transport()
            return
        self._raw_transport.write_eof()
        self.flow.resume_reading()
        self._timer = self.loop.call_later(self.linger_timeout, self._close_transport)

    def shutdown(self) -> None:
        """Close after the current response. An idle connection waits `idle_shutdown_delay` for a request first.

        Closing an idle connection at once would reset a request that has arrived but is not read yet.
        """
        self.is_shutting_down = True
        if self.is_serving:
            self.cycle.keep_alive = False
        else:
            self.loop.call_later(self.idle_shutdown_delay, self._close_if_idle)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start_send_timer(self._raw_transport.get_write_buffer_size())
        self._abort_slowest_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_send_timer()
        if self._raw_transport.is_closing():
            self._start_flush_timer()

    def _close_if_idle(self) -> None:
        if self.is_serving:
            self.cycle.keep_alive = False
        else:
            self.close()

    def _close_transport(self) -> None:
        self._raw_transport.close()  # flushes the write buffer first, without a timeout
        if self._send_timer is None:
            self._start_flush_timer()

    def _start_flush_timer(self) -> None:
        # A buffer below the low-water mark has no send timer.
        self.stop_timer()
        if self._raw_transport.get_write_buffer_size():
            self._timer = self.loop.call_later(self.send_timeout, self._abort_stalled)

    def _notify_disconnect(self) -> None:
        if self.is_serving:
            self.active_cycle.disconnected = True
            self.active_cycle.waiting_for_100_continue = False
            self.active_cycle.message_event.set()

    def _evict_connection(self) -> bool:
        # A closing connection first, then the one whose timer ends first. A connection that is served has no timer.
        others = cast("set[Connection]", self.connections) - {self}
        waiting = [(not other.is_closing, other._timer.when(), id(other), other) for other in others if other._timer]
        if not waiting:
            return False
        *_, first = min(waiting)
        self.connections.discard(first)  # so that the next new connection does not count it
        if first.is_closing:
            first._raw_transport.abort()
        else:
            first.close(linger=False)
        return True

    def _abort_slowest_reader(self) -> None:
        # The slowest is the one with the most unread bytes times stalled seconds.
        stalled = [each for each in cast("set[Connection]", self.connections) if each._send_timer is not None]
        unread = {each: each._raw_transport.get_write_buffer_size() for each in stalled}
        if (total := sum(unread.values())) > self.max_unsent_bytes:
            logger.warning("connection aborted: clients have not read %d bytes of responses", total)
            max(stalled, key=lambda each: unread[each] * each._stalled_seconds)._raw_transport.abort()

    @property
    def _stalled_seconds(self) -> float:
        return 0.0 if self._send_timer is None else self.loop.time() - self._send_timer.when() + self.send_timeout

    def _start_send_timer(self, unread: int) -> None:
        self._stop_send_timer()
        self._send_timer = self.loop.call_later(self.send_timeout, self._check_send_progress, unread)

    def _stop_send_timer(self) -> None:
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None

    def _check_send_progress(self, before: int) -> None:
        unread = self._raw_transport.get_write_buffer_size()
        if unread < before:
            self._start_send_timer(unread)
        else:
            self._abort_stalled()

    def _abort_stalled(self) -> None:
        logger.warning("connection aborted: the client does not read its response")
        self._raw_transport.abort()

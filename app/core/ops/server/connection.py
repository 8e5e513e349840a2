"""The connection beneath the protocol: how long it may wait, how it is closed, and how many there may be.

One timer runs whenever no request is being served: while the connection idles, while a head arrives, while the rest of
a body arrives behind its answer. A second one runs while the client reads nothing of what it was sent.
"""

import asyncio
import logging
from enum import Enum
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.core.ops.server.rejections import too_many_connections

logger = logging.getLogger(__name__)


class ReadState(Enum):
    """The part of a request that arrives next: nothing of it has come, or its head has begun, or its body."""

    BETWEEN_REQUESTS = 0
    HEAD = 1
    BODY = 2


BETWEEN_REQUESTS, HEAD, BODY = ReadState  # looked up in each request: an attribute of an Enum takes three times as long


class Connection(HttpToolsProtocol):
    """A connection with limits on its time. All limits are seconds."""

    header_timeout: ClassVar[float] = 10.0  # from the first byte of a head, or from the opening of the connection
    discard_timeout: ClassVar[float] = 10.0  # for the rest of a body whose request has been answered
    send_timeout: ClassVar[float] = 30.0  # in which a client has to read some of its answer
    idle_shutdown_delay: ClassVar[float] = 0.2  # in which a request may still come when the process ends
    linger_timeout: ClassVar[float] = 2.0  # in which a client may still send when it was answered for the last time
    max_connections: ClassVar[int] = 10_000  # of one process; `process.py` sets it to what the system allows
    max_unsent_bytes: ClassVar[int] = 2**28  # bytes of answers, of one process, that clients have not read yet

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.read_state = BETWEEN_REQUESTS
        self.active_cycle: Any = None  # the request that is being served, or was served last
        self.is_shutting_down = False
        self.is_closing = False
        self._raw_transport: Any = None
        self._timer: asyncio.TimerHandle | None = None
        self._send_timer: asyncio.TimerHandle | None = None

    @property
    def is_serving(self) -> bool:
        """True while a request is in the application's hands."""
        return self.active_cycle is not None and not self.active_cycle.response_complete

    def connection_made(self, transport: Any) -> None:
        """Wait for a head, or refuse the connection where there are too many."""
        self._raw_transport = transport
        super().connection_made(_TransportProxy(transport, self.close))  # type: ignore[arg-type]  # it has what is used
        self.client = self.client or ("127.0.0.1", 0)  # on a Unix socket: a process of this machine
        if len(self.connections) <= self.max_connections or self._evict_connection():
            self.start_timer(self.header_timeout)
        else:
            logger.warning("refused: there are %d connections", len(self.connections))
            self.transport.write(too_many_connections().response())
            self.close(linger=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer; who is being served is told."""
        self.is_closing = True
        self.stop_timer()
        self._stop_send_timer()
        self._notify_disconnect()
        super().connection_lost(exc)

    def start_timer(self, seconds: float) -> None:
        """Hang up in so many seconds, unless a request is served by then."""
        if not self.is_closing:
            self.stop_timer()
            self._timer = self.loop.call_later(seconds, self.close)

    def stop_timer(self) -> None:
        """Let the connection live."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self, *, linger: bool = True) -> None:
        """Close the connection, which is served no more.

        Where the client may still be sending, what it sends is read for a moment, and for nothing: to close with
        something unread is a reset, which can take the last answer with it (RFC 9112, 9.6).
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
        """Close after the answer that is under way, or after the one to a request that comes within a moment.

        To close an idle connection at once would reset a request that has arrived and is not read yet.
        """
        self.is_shutting_down = True
        if self.is_serving:
            self.cycle.keep_alive = False
        else:
            self.loop.call_later(self.idle_shutdown_delay, self._close_if_idle)

    def pause_writing(self) -> None:
        """Watch whether the client reads."""
        super().pause_writing()
        self._start_send_timer(self._raw_transport.get_write_buffer_size())
        self._abort_slowest_reader()

    def resume_writing(self) -> None:
        """It has read."""
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
        """Close when the client has read the rest, which the transport waits for without an end of its own."""
        self._raw_transport.close()
        if self._send_timer is None:
            self._start_flush_timer()

    def _start_flush_timer(self) -> None:
        """Give the client a moment for the last that it has not read; while there is much, the send timer looks."""
        self.stop_timer()
        if self._raw_transport.get_write_buffer_size():
            self._timer = self.loop.call_later(self.send_timeout, self._abort_stalled)

    def _notify_disconnect(self) -> None:
        if self.is_serving:
            self.active_cycle.disconnected = True
            self.active_cycle.waiting_for_100_continue = False
            self.active_cycle.message_event.set()

    def _evict_connection(self) -> bool:
        """End the one that would be ended first anyway, and tell whether there was one."""
        others = cast("set[Connection]", self.connections) - {self}
        waiting = [(not other.is_closing, other._timer.when(), id(other), other) for other in others if other._timer]
        if not waiting:
            return False
        *_, first = min(waiting)
        self.connections.discard(first)  # it is not counted again for the next that comes
        if first.is_closing:
            first._raw_transport.abort()
        else:
            first.close(linger=False)
        return True

    def _abort_slowest_reader(self) -> None:
        """Hang up on whoever leaves the most unread for the longest, where all that is unread takes too much memory."""
        stalled = [each for each in cast("set[Connection]", self.connections) if each._send_timer is not None]
        unread = {each: each._raw_transport.get_write_buffer_size() for each in stalled}
        if (total := sum(unread.values())) > self.max_unsent_bytes:
            logger.warning("gave up: clients leave %d bytes of their answers unread", total)
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
        logger.warning("gave up: a client reads nothing of its answer")
        self._raw_transport.abort()


class _TransportProxy:
    """The transport as uvicorn sees it; where uvicorn closes it, the connection hangs up."""

    def __init__(self, transport: Any, close: Any) -> None:
        self._transport = transport
        self.write = transport.write  # called as often as directly, and as fast
        self.close = close

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

"""The connection beneath the protocol: how long it may wait, how it is closed, and how many there may be.

One timer runs whenever no request is being served: while the connection idles, while a head arrives, while the rest of
a body arrives behind its answer. A second one runs while the client reads nothing of what it was sent.
"""

import asyncio
import logging
from enum import Enum
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.core.ops.server.refusals import too_busy

logger = logging.getLogger(__name__)


class Part(Enum):
    """The part of a request that arrives next: nothing of it has come, or its head has begun, or its body."""

    NOTHING = 0
    HEAD = 1
    BODY = 2


NOTHING, HEAD, BODY = Part  # looked up in each request: an attribute of an Enum takes three times as long


class Connection(HttpToolsProtocol):
    """A connection with limits on its time. All limits are seconds."""

    head_within: ClassVar[float] = 10.0  # from the first byte of a head, or from the opening of the connection
    rest_within: ClassVar[float] = 10.0  # for the rest of a body whose request has been answered
    read_within: ClassVar[float] = 30.0  # in which a client has to read some of its answer
    last_call: ClassVar[float] = 0.2  # in which a request may still come when the process ends
    linger_for: ClassVar[float] = 2.0  # in which a client may still send when it was answered for the last time
    most_connections: ClassVar[int] = 10_000  # of one process; `process.py` sets it to what the system allows
    most_unread: ClassVar[int] = 2**28  # bytes of answers, of one process, that clients have not read yet

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.part = NOTHING
        self.running: Any = None  # the request that is being served, or was served last
        self.is_ending = False
        self.is_hung_up = False
        self._socket: Any = None
        self._timer: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None

    @property
    def is_serving(self) -> bool:
        """True while a request is in the application's hands."""
        return self.running is not None and not self.running.response_complete

    def connection_made(self, transport: Any) -> None:
        """Wait for a head, or refuse the connection where there are too many."""
        self._socket = transport
        super().connection_made(_Transport(transport, self.hang_up))  # type: ignore[arg-type]  # it has what is used
        self.client = self.client or ("127.0.0.1", 0)  # on a Unix socket: a process of this machine
        if len(self.connections) <= self.most_connections or self._make_room():
            self.start_timer(self.head_within)
        else:
            logger.warning("refused: there are %d connections", len(self.connections))
            self.transport.write(too_busy().answer())
            self.hang_up(lingers=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer; who is being served is told."""
        self.is_hung_up = True
        self.stop_timer()
        self._stop_stall()
        self._disconnect()
        super().connection_lost(exc)

    def start_timer(self, seconds: float) -> None:
        """Hang up in so many seconds, unless a request is served by then."""
        if not self.is_hung_up:
            self.stop_timer()
            self._timer = self.loop.call_later(seconds, self.hang_up)

    def stop_timer(self) -> None:
        """Let the connection live."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def hang_up(self, *, lingers: bool = True) -> None:
        """Close the connection, which is served no more.

        Where the client may still be sending, what it sends is read for a moment, and for nothing: to close with
        something unread is a reset, which can take the last answer with it (RFC 9112, 9.6).
        """
        if self.is_hung_up:
            return
        self.is_hung_up = True
        self.stop_timer()
        self._disconnect()
        if self.part is NOTHING or not lingers:
            self._close()
            return
        self._socket.write_eof()
        self.flow.resume_reading()
        self._timer = self.loop.call_later(self.linger_for, self._close)

    def shutdown(self) -> None:
        """Close after the answer that is under way, or after the one to a request that comes within a moment.

        To close an idle connection at once would reset a request that has arrived and is not read yet.
        """
        self.is_ending = True
        if self.is_serving:
            self.cycle.keep_alive = False
        else:
            self.loop.call_later(self.last_call, self._end)

    def pause_writing(self) -> None:
        """Watch whether the client reads."""
        super().pause_writing()
        self._watch(self._socket.get_write_buffer_size())
        self._shed()

    def resume_writing(self) -> None:
        """It has read."""
        super().resume_writing()
        self._stop_stall()
        if self._socket.is_closing():
            self._limit_flush()

    def _end(self) -> None:
        if self.is_serving:
            self.cycle.keep_alive = False
        else:
            self.hang_up()

    def _close(self) -> None:
        """Close when the client has read the rest, which the transport waits for without an end of its own."""
        self._socket.close()
        if self._stall is None:
            self._limit_flush()

    def _limit_flush(self) -> None:
        """Give the client a moment for the last that it has not read; while there is much, `_check_reader` looks."""
        self.stop_timer()
        if self._socket.get_write_buffer_size():
            self._timer = self.loop.call_later(self.read_within, self._give_up)

    def _disconnect(self) -> None:
        if self.is_serving:
            self.running.disconnected = True
            self.running.waiting_for_100_continue = False
            self.running.message_event.set()

    def _make_room(self) -> bool:
        """End the one that would be ended first anyway, and tell whether there was one."""
        others = cast("set[Connection]", self.connections) - {self}
        waiting = [(not other.is_hung_up, other._timer.when(), id(other), other) for other in others if other._timer]
        if not waiting:
            return False
        *_, first = min(waiting)
        self.connections.discard(first)  # it is not counted again for the next that comes
        if first.is_hung_up:
            first._socket.abort()
        else:
            first.hang_up(lingers=False)
        return True

    def _shed(self) -> None:
        """Hang up on whoever leaves the most unread for the longest, where all that is unread takes too much memory."""
        stalled = [each for each in cast("set[Connection]", self.connections) if each._stall is not None]
        unread = {each: each._socket.get_write_buffer_size() for each in stalled}
        if (total := sum(unread.values())) > self.most_unread:
            logger.warning("gave up: clients leave %d bytes of their answers unread", total)
            max(stalled, key=lambda each: unread[each] * each._stalled_for)._socket.abort()

    @property
    def _stalled_for(self) -> float:
        return 0.0 if self._stall is None else self.loop.time() - self._stall.when() + self.read_within

    def _watch(self, unread: int) -> None:
        self._stop_stall()
        self._stall = self.loop.call_later(self.read_within, self._check_reader, unread)

    def _stop_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _check_reader(self, before: int) -> None:
        unread = self._socket.get_write_buffer_size()
        if unread < before:
            self._watch(unread)
        else:
            self._give_up()

    def _give_up(self) -> None:
        logger.warning("gave up: a client reads nothing of its answer")
        self._socket.abort()


class _Transport:
    """The transport as uvicorn sees it; where uvicorn closes it, the connection hangs up."""

    def __init__(self, transport: Any, hang_up: Any) -> None:
        self._transport = transport
        self.write = transport.write  # called as often as directly, and as fast
        self.close = hang_up

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

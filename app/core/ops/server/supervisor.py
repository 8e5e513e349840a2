"""The supervisor: the parent of several workers. It replaces each that dies or hangs, and ends all of them in order."""

import logging
import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from uvicorn.config import STARTUP_FAILURE

from app.core.ops.server.process import Options
from app.core.ops.server.worker import Worker

logger = logging.getLogger(__name__)

HUNG_AFTER: Final = 8.0  # seconds in which not even the watchdog of a worker says anything
READY_WITHIN: Final = 60.0  # seconds for a new worker
_PAUSE: Final = 1.0  # seconds before the place of a worker is filled that never was ready
_MARGIN: Final = 1.0  # seconds that a worker may take longer to end than it is told to

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCHLD)


class Supervisor:
    """SIGTERM and SIGINT end it; SIGHUP replaces all workers one by one; SIGTTIN and SIGTTOU make one more or less."""

    def __init__(self, options: Options, sockets: list[socket.socket], count: int) -> None:
        self._options = options
        self._sockets = sockets
        self._count = count
        self._workers: list[Worker] = []
        self._signals: list[int] = []
        self._told_to_end = 0  # the signal

    def run(self) -> int:
        """Serve until told to end, and return the exit code."""
        with self._noting_signals() as woken:
            while not self._told_to_end and not self._cannot_start():
                self._fill()
                self._wait(woken)
                self._follow_signals()
            self._end_all(self._told_to_end or signal.SIGINT)
        return 0 if self._told_to_end else STARTUP_FAILURE

    def _cannot_start(self) -> bool:
        """Tell whether a worker has ended before it was ready, and none serves that could go on without it."""
        if any(worker.is_ready for worker in self._workers) or not any(worker.has_ended for worker in self._workers):
            return False
        logger.error("the application cannot start; see above")
        return True

    def _fill(self) -> None:
        """Replace the workers that have ended, and start or retire some where there are too few or too many."""
        for worker in [worker for worker in self._workers if worker.has_ended]:
            logger.warning("worker [%d] ended: %s", worker.pid, worker.outcome)
            self._workers.remove(worker)
            worker.close()
            if not worker.is_ready:
                time.sleep(_PAUSE)
        while len(self._workers) < self._count:
            self._workers.append(Worker(self._options, self._sockets))
        while len(self._workers) > self._count:
            self._retire(self._workers.pop())

    def _wait(self, woken: socket.socket) -> None:
        """Wait for a word of a worker or for a signal, and end the workers that hang."""
        began = time.monotonic()
        readable: list[socket.socket | Worker] = [woken, *self._workers]
        select.select(readable, [], [], 1.0)
        waited = min(time.monotonic() - began, 1.0)  # all processes may have been stopped, as a machine that sleeps
        while _take(woken):
            pass
        for worker in self._workers:
            worker.hear(waited)
            if worker.silent > (HUNG_AFTER if worker.is_ready else READY_WITHIN):
                logger.error("worker [%d] hangs and is ended", worker.pid)
                worker.end(signal.SIGABRT)  # which has it print where it is
                if not worker.wait(_MARGIN):
                    worker.end(signal.SIGKILL)

    def _follow_signals(self) -> None:
        while self._signals:
            match self._signals.pop(0):
                case signal.SIGTERM | signal.SIGINT as number:
                    self._told_to_end = number
                case signal.SIGHUP:
                    self._replace_all()
                case signal.SIGTTIN:
                    self._count += 1
                case signal.SIGTTOU:
                    self._count = max(1, self._count - 1)

    def _replace_all(self) -> None:
        """Replace each worker, the new one first. A new one that does not come up ends it: the others stay."""
        logger.info("replacing all workers")
        for old in list(self._workers):
            new = Worker(self._options, self._sockets)
            if not _is_ready_in_time(new):
                logger.error("a new worker is not ready in time; the present ones stay")
                self._retire(new)
                return
            self._workers.append(new)
            self._workers.remove(old)
            self._retire(old)

    def _retire(self, worker: Worker) -> None:
        """End a worker whose sockets live on with the others, so that it need not drain."""
        worker.end(signal.SIGINT)
        self._see_to_the_end([worker])

    def _end_all(self, number: int) -> None:
        """Close the sockets, so that none waits at them for nobody, and end all workers."""
        for bound in self._sockets:
            bound.close()
        for worker in self._workers:
            worker.end(number)
        self._see_to_the_end(self._workers)

    def _see_to_the_end(self, workers: list[Worker]) -> None:
        deadline = time.monotonic() + self._options.ends_within + _MARGIN
        for worker in workers:
            while not worker.wait(0.1) and time.monotonic() < deadline:
                if signal.SIGINT in self._signals:  # a second one: now
                    self._signals.remove(signal.SIGINT)
                    for each in workers:
                        each.end(signal.SIGINT)
            if not worker.has_ended:
                logger.error("worker [%d] does not end and is killed", worker.pid)
                worker.end(signal.SIGKILL)
                worker.wait(_MARGIN)
            worker.close()

    @contextmanager
    def _noting_signals(self) -> Iterator[socket.socket]:
        """Note the signals, and make the socket readable by each."""
        woken, waking = socket.socketpair()
        for end in (woken, waking):
            end.setblocking(False)
        for number in _SIGNALS:
            signal.signal(number, lambda number, _: self._signals.append(number))
        signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
        with woken, waking:
            yield woken
            signal.set_wakeup_fd(-1)


def _is_ready_in_time(worker: Worker) -> bool:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and not worker.has_ended:
        select.select([worker], [], [], 1.0)
        worker.hear(0.0)
        if worker.is_ready:
            return True
    return False


def _take(woken: socket.socket) -> bytes:
    try:
        return woken.recv(1024)
    except BlockingIOError:
        return b""

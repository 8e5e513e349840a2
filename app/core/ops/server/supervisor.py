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
        self._outdated: list[Worker] = []  # those among them that have to be replaced
        self._coming: Worker | None = None  # takes the place of the first of these when it is ready
        self._retired: dict[Worker, float] = {}  # and when each of these has to have ended
        self._signals: list[int] = []
        self._told_to_end = 0  # the signal

    def run(self) -> int:
        """Serve until told to end, and return the exit code."""
        with self._noting_signals() as woken:
            while not self._told_to_end and not self._cannot_start():
                self._fill()
                self._replace()
                self._wait(woken)
                self._see_off()
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
        while len(self._workers) < self._count and (new := self._start()):
            self._workers.append(new)
        while len(self._workers) > self._count:
            self._retire(self._workers.pop())

    def _start(self) -> Worker | None:
        try:
            return Worker(self._options, self._sockets)
        except OSError as error:  # too many processes, or no memory for one more
            logger.error("no worker can be started: %s", error.strerror)
            time.sleep(_PAUSE)
            return None

    def _replace(self) -> None:
        """Replace the outdated workers, the new one first. A new one that does not come up ends it: the others stay."""
        self._outdated = [worker for worker in self._outdated if worker in self._workers]
        if self._coming is None:
            self._coming = self._start() if self._outdated else None
        elif self._coming.is_ready:
            self._workers.append(self._coming)
            if self._outdated:
                old = self._outdated.pop(0)
                self._workers.remove(old)
                self._retire(old)
            self._coming = None
        elif self._coming.has_ended or self._coming.silent > READY_WITHIN:
            logger.error("a new worker is not ready in time; the present ones stay")
            self._retire(self._coming)
            self._coming = None
            self._outdated.clear()

    def _wait(self, woken: socket.socket) -> None:
        """Wait for a word of a worker or for a signal, and end the workers that hang."""
        began = time.monotonic()
        readable: list[socket.socket | Worker] = [woken, *self._all()]
        select.select(readable, [], [], 1.0)
        waited = min(time.monotonic() - began, 1.0)  # all processes may have been stopped, as a machine that sleeps
        while _take(woken):
            pass
        for worker in self._all():
            worker.hear(waited)
        for worker in self._workers:
            if worker.silent > (HUNG_AFTER if worker.is_ready else READY_WITHIN):
                logger.error("worker [%d] hangs and is ended", worker.pid)
                worker.end(signal.SIGABRT)  # which has it print where it is
                if not worker.wait(_MARGIN):
                    worker.end(signal.SIGKILL)

    def _follow_signals(self) -> None:
        while self._signals and not self._told_to_end:
            match self._signals.pop(0):
                case signal.SIGTERM | signal.SIGINT as number:
                    self._told_to_end = number
                case signal.SIGHUP:
                    logger.info("replacing all workers")
                    self._outdated = list(self._workers)
                case signal.SIGTTIN:
                    self._count += 1
                case signal.SIGTTOU:
                    self._count = max(1, self._count - 1)

    def _all(self) -> list[Worker]:
        return [*self._workers, *self._retired, *([self._coming] if self._coming else [])]

    def _retire(self, worker: Worker) -> None:
        """End a worker whose sockets live on with the others, so that it need not drain."""
        worker.end(signal.SIGINT)
        self._retired[worker] = time.monotonic() + self._options.ends_within + _MARGIN

    def _see_off(self) -> None:
        """Let go of the retired workers that have ended, and kill those that had time enough."""
        for worker, deadline in list(self._retired.items()):
            if not worker.has_ended and time.monotonic() > deadline:
                _kill(worker)
            if worker.has_ended:
                del self._retired[worker]
                worker.close()

    def _end_all(self, number: int) -> None:
        """Close the sockets, so that none waits at them for nobody, and end all workers."""
        for bound in self._sockets:
            bound.close()
        for worker in self._all():
            if worker not in self._retired:
                worker.end(number)
        deadline = time.monotonic() + self._options.ends_within + _MARGIN
        for worker in self._all():
            while not worker.wait(0.1) and time.monotonic() < deadline:
                if signal.SIGINT in self._signals:  # a second signal: now
                    self._signals.remove(signal.SIGINT)
                    for each in self._all():
                        each.end(signal.SIGINT)
            if not worker.has_ended:
                _kill(worker)
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


def _kill(worker: Worker) -> None:
    logger.error("worker [%d] does not end and is killed", worker.pid)
    worker.end(signal.SIGKILL)
    worker.wait(_MARGIN)


def _take(woken: socket.socket) -> bytes:
    try:
        return woken.recv(1024)
    except BlockingIOError:
        return b""

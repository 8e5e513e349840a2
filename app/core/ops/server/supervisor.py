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

from app.core.ops.server.process import ServerOptions
from app.core.ops.server.worker import Worker

logger = logging.getLogger(__name__)

HEARTBEAT_TIMEOUT: Final = 8.0  # seconds in which not even the watchdog of a worker says anything
STARTUP_TIMEOUT: Final = 60.0  # seconds for a new worker
_RESTART_DELAY: Final = 1.0  # seconds before the place of a worker is filled that never was ready
_EXIT_MARGIN: Final = 1.0  # seconds that a worker may take longer to end than it is told to

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCHLD)


class Supervisor:
    """SIGTERM and SIGINT end it; SIGHUP replaces all workers one by one; SIGTTIN and SIGTTOU make one more or less."""

    def __init__(self, options: ServerOptions, sockets: list[socket.socket], count: int) -> None:
        self._options = options
        self._sockets = sockets
        self._count = count
        self._workers: list[Worker] = []
        self._outdated: list[Worker] = []  # those among them that have to be replaced
        self._replacement: Worker | None = None  # takes the place of the first of these when it is ready
        self._stopping: dict[Worker, float] = {}  # and when each of these has to have ended
        self._signals: list[int] = []
        self._shutdown_signal = 0  # the signal

    def run(self) -> int:
        """Serve until told to end, and return the exit code."""
        with self._recording_signals() as wakeup:
            while not self._shutdown_signal and not self._cannot_start():
                self._maintain_count()
                self._replace_outdated()
                self._wait(wakeup)
                self._reap_stopped()
                self._handle_signals()
            self._shut_down(self._shutdown_signal or signal.SIGINT)
        return 0 if self._shutdown_signal else STARTUP_FAILURE

    def _cannot_start(self) -> bool:
        """Tell whether a worker has ended before it was ready, and none serves that could go on without it."""
        if any(worker.is_ready for worker in self._workers) or not any(worker.has_exited for worker in self._workers):
            return False
        logger.error("the application cannot start; see above")
        return True

    def _maintain_count(self) -> None:
        """Replace the workers that have ended, and start or retire some where there are too few or too many."""
        for worker in [worker for worker in self._workers if worker.has_exited]:
            logger.warning("worker [%d] ended: %s", worker.pid, worker.exit_description)
            self._workers.remove(worker)
            worker.close()
            if not worker.is_ready:
                time.sleep(_RESTART_DELAY)
        while len(self._workers) < self._count and (new := self._start()):
            self._workers.append(new)
        while len(self._workers) > self._count:
            self._stop(self._workers.pop())

    def _start(self) -> Worker | None:
        try:
            return Worker(self._options, self._sockets)
        except OSError as error:  # too many processes, or no memory for one more
            logger.error("no worker can be started: %s", error.strerror)
            time.sleep(_RESTART_DELAY)
            return None

    def _replace_outdated(self) -> None:
        """Replace the outdated workers, the new one first. A new one that does not come up ends it: the others stay."""
        self._outdated = [worker for worker in self._outdated if worker in self._workers]
        if self._replacement is None:
            self._replacement = self._start() if self._outdated else None
        elif self._replacement.is_ready:
            self._workers.append(self._replacement)
            if self._outdated:
                old = self._outdated.pop(0)
                self._workers.remove(old)
                self._stop(old)
            self._replacement = None
        elif self._replacement.has_exited or self._replacement.seconds_silent > STARTUP_TIMEOUT:
            logger.error("a new worker is not ready in time; the present ones stay")
            self._stop(self._replacement)
            self._replacement = None
            self._outdated.clear()

    def _wait(self, wakeup: socket.socket) -> None:
        """Wait for a word of a worker or for a signal, and end the workers that hang."""
        began = time.monotonic()
        readable: list[socket.socket | Worker] = [wakeup, *self._all_workers()]
        select.select(readable, [], [], 1.0)
        waited = min(time.monotonic() - began, 1.0)  # all processes may have been stopped, as a machine that sleeps
        while _drain_wakeup(wakeup):
            pass
        for worker in self._all_workers():
            worker.receive_heartbeat(waited)
        for worker in self._workers:
            if worker.seconds_silent > (HEARTBEAT_TIMEOUT if worker.is_ready else STARTUP_TIMEOUT):
                logger.error("worker [%d] hangs and is ended", worker.pid)
                worker.send_signal(signal.SIGABRT)  # which has it print where it is
                if not worker.wait(_EXIT_MARGIN):
                    worker.send_signal(signal.SIGKILL)

    def _handle_signals(self) -> None:
        while self._signals and not self._shutdown_signal:
            match self._signals.pop(0):
                case signal.SIGTERM | signal.SIGINT as number:
                    self._shutdown_signal = number
                case signal.SIGHUP:
                    logger.info("replacing all workers")
                    self._outdated = list(self._workers)
                case signal.SIGTTIN:
                    self._count += 1
                case signal.SIGTTOU:
                    self._count = max(1, self._count - 1)

    def _all_workers(self) -> list[Worker]:
        return [*self._workers, *self._stopping, *([self._replacement] if self._replacement else [])]

    def _stop(self, worker: Worker) -> None:
        """End a worker whose sockets live on with the others, so that it need not drain."""
        worker.send_signal(signal.SIGINT)
        self._stopping[worker] = time.monotonic() + self._options.shutdown_seconds + _EXIT_MARGIN

    def _reap_stopped(self) -> None:
        """Let go of the retired workers that have ended, and kill those that had time enough."""
        for worker, deadline in list(self._stopping.items()):
            if not worker.has_exited and time.monotonic() > deadline:
                _kill(worker)
            if worker.has_exited:
                del self._stopping[worker]
                worker.close()

    def _shut_down(self, number: int) -> None:
        """Close the sockets, so that none waits at them for nobody, and end all workers."""
        for bound in self._sockets:
            bound.close()
        for worker in self._all_workers():
            if worker not in self._stopping:
                worker.send_signal(number)
        deadline = time.monotonic() + self._options.shutdown_seconds + _EXIT_MARGIN
        for worker in self._all_workers():
            while not worker.wait(0.1) and time.monotonic() < deadline:
                if signal.SIGINT in self._signals:  # a second signal: now
                    self._signals.remove(signal.SIGINT)
                    for each in self._all_workers():
                        each.send_signal(signal.SIGINT)
            if not worker.has_exited:
                _kill(worker)
            worker.close()

    @contextmanager
    def _recording_signals(self) -> Iterator[socket.socket]:
        """Note the signals, and make the socket readable by each."""
        wakeup, wakeup_sender = socket.socketpair()
        for end in (wakeup, wakeup_sender):
            end.setblocking(False)
        for number in _SIGNALS:
            signal.signal(number, lambda number, _: self._signals.append(number))
        signal.set_wakeup_fd(wakeup_sender.fileno(), warn_on_full_buffer=False)
        with wakeup, wakeup_sender:
            yield wakeup
            signal.set_wakeup_fd(-1)


def _kill(worker: Worker) -> None:
    logger.error("worker [%d] does not end and is killed", worker.pid)
    worker.send_signal(signal.SIGKILL)
    worker.wait(_EXIT_MARGIN)


def _drain_wakeup(wakeup: socket.socket) -> bytes:
    try:
        return wakeup.recv(1024)
    except BlockingIOError:
        return b""

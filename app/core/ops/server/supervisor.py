"""The supervisor: the parent process of the workers. It replaces workers that exit or hang, and stops all of them."""

import logging
import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from uvicorn.config import STARTUP_FAILURE

from app.core.ops.server.serving_process import ServerOptions
from app.core.ops.server.worker import Worker

logger = logging.getLogger(__name__)

HEARTBEAT_TIMEOUT: Final = 8.0  # seconds without a heartbeat of the worker's watchdog
STARTUP_TIMEOUT: Final = 60.0  # seconds until a new worker must be ready
_RESTART_DELAY: Final = 1.0  # seconds before a worker that never became ready is started again
_EXIT_MARGIN: Final = 1.0  # seconds that a worker may exceed `shutdown_seconds`

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCHLD)


class Supervisor:
    """Runs workers. SIGTERM and SIGINT stop it, SIGHUP replaces all workers, SIGTTIN and SIGTTOU add or remove one."""

    def __init__(self, options: ServerOptions, sockets: list[socket.socket], count: int) -> None:
        self._options = options
        self._sockets = sockets
        self._count = count
        self._workers: list[Worker] = []
        self._outdated: list[Worker] = []  # of `_workers`: to be replaced
        self._replacement: Worker | None = None  # for the first outdated one, once it is ready
        self._stopping: dict[Worker, float] = {}  # with the time at which each is killed
        self._signals: list[int] = []
        self._shutdown_signal = 0  # 0: none yet

    def run(self) -> int:
        """Serve until a signal, and return the exit code."""
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
        # A worker has exited before it was ready, and no other worker is ready.
        if any(worker.is_ready for worker in self._workers) or not any(worker.has_exited for worker in self._workers):
            return False
        logger.error("the application cannot start; see the error above")
        return True

    def _maintain_count(self) -> None:
        for worker in [worker for worker in self._workers if worker.has_exited]:
            logger.warning("worker [%d] exited: %s", worker.pid, worker.exit_description)
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
        except OSError as error:  # too many processes, or no memory
            logger.error("cannot start a worker: %s", error.strerror)
            time.sleep(_RESTART_DELAY)
            return None

    def _replace_outdated(self) -> None:
        # One by one: start the new worker, then stop the old one. A failed start cancels the rest.
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
            logger.error("the new worker did not become ready; the old workers stay")
            self._stop(self._replacement)
            self._replacement = None
            self._outdated.clear()

    def _wait(self, wakeup: socket.socket) -> None:
        began = time.monotonic()
        readable: list[socket.socket | Worker] = [wakeup, *self._all_workers()]
        select.select(readable, [], [], 1.0)
        waited = min(time.monotonic() - began, 1.0)  # the machine may have been suspended
        while _drain_wakeup(wakeup):
            pass
        for worker in self._all_workers():
            worker.receive_heartbeat(waited)
        for worker in self._workers:
            if worker.seconds_silent > (HEARTBEAT_TIMEOUT if worker.is_ready else STARTUP_TIMEOUT):
                logger.error("worker [%d] hangs; killing it", worker.pid)
                worker.send_signal(signal.SIGABRT)  # prints its stack
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
        # SIGINT: no drain, because the other workers keep the sockets open.
        worker.send_signal(signal.SIGINT)
        self._stopping[worker] = time.monotonic() + self._options.shutdown_seconds + _EXIT_MARGIN

    def _reap_stopped(self) -> None:
        for worker, deadline in list(self._stopping.items()):
            if not worker.has_exited and time.monotonic() > deadline:
                _kill(worker)
            if worker.has_exited:
                del self._stopping[worker]
                worker.close()

    def _shut_down(self, number: int) -> None:
        # Close the sockets first, so that no client waits in the backlog.
        for bound in self._sockets:
            bound.close()
        for worker in self._all_workers():
            if worker not in self._stopping:
                worker.send_signal(number)
        deadline = time.monotonic() + self._options.shutdown_seconds + _EXIT_MARGIN
        for worker in self._all_workers():
            while not worker.wait(0.1) and time.monotonic() < deadline:
                if signal.SIGINT in self._signals:  # a second Ctrl-C: stop now
                    self._signals.remove(signal.SIGINT)
                    for each in self._all_workers():
                        each.send_signal(signal.SIGINT)
            if not worker.has_exited:
                _kill(worker)
            worker.close()

    @contextmanager
    def _recording_signals(self) -> Iterator[socket.socket]:
        """Record signals in `_signals`; each one makes the yielded socket readable."""
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
    logger.error("worker [%d] does not exit; killing it", worker.pid)
    worker.send_signal(signal.SIGKILL)
    worker.wait(_EXIT_MARGIN)


def _drain_wakeup(wakeup: socket.socket) -> bytes:
    try:
        return wakeup.recv(1024)
    except BlockingIOError:
        return b""

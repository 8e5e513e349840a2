"""The watchdog detects a blocked event loop, a dead parent process, and a shutdown that takes too long."""

import logging
import math
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from contextlib import suppress
from typing import ClassVar, Final

logger = logging.getLogger(__name__)

HUNG_EXIT_CODE: Final = 70
"""The exit code if the watchdog ends the process (EX_SOFTWARE)."""


class Watchdog(threading.Thread):
    """Watches the event loop of the thread that creates it, which must call `heartbeat()` every `interval` seconds.

    It is a thread, because a blocked event loop runs no task that could report it. It sends its own heartbeats to
    `parent`, the socket to the supervisor. Without `exit_when_hung`, a blocked loop is only logged, so a debugger can
    pause the process.
    """

    interval: ClassVar[float] = 1.0
    max_missed: ClassVar[int] = (
        8  # intervals without a heartbeat; counted, because a suspended machine must not trip it
    )
    report_timeout: ClassVar[float] = 2.0

    def __init__(self, *, exit_when_hung: bool, shutdown_seconds: float, parent: socket.socket | None = None) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._exit_when_hung = exit_when_hung
        self._shutdown_seconds = shutdown_seconds
        self._parent = parent
        self._watched = threading.get_ident()
        self._heartbeats = 0
        self._deadline = math.inf

    def heartbeat(self) -> None:
        self._heartbeats += 1

    def start_shutdown_timer(self) -> None:
        """End the process in `shutdown_seconds`, even if it is still busy."""
        self._deadline = min(self._deadline, time.monotonic() + self._shutdown_seconds)

    def run(self) -> None:
        seen, silent = 0, 0
        while True:
            self._notify_parent()
            self._wait()
            silent = silent + 1 if self._heartbeats == seen else 0
            seen = self._heartbeats
            if silent == self.max_missed:
                self._report(
                    f"the event loop has been blocked for {self.max_missed * self.interval:g} s",
                    exits=self._exit_when_hung,
                )
            if time.monotonic() >= self._deadline:
                self._report(f"the process has not ended within {self._shutdown_seconds:g} s", exits=True)

    def _wait(self) -> None:
        if self._parent is None:
            time.sleep(self.interval)
        elif select.select([self._parent], [], [], self.interval)[0]:
            logger.warning("the parent process is gone; shutting down")
            self._parent = None
            self.start_shutdown_timer()
            os.kill(os.getpid(), signal.SIGINT)

    def _notify_parent(self) -> None:
        if self._parent is not None:
            with suppress(OSError):  # the parent is gone or busy
                self._parent.send(b".", socket.MSG_DONTWAIT)

    def _report(self, problem: str, *, exits: bool) -> None:
        frame = sys._current_frames().get(self._watched)
        stack = "".join(traceback.format_stack(frame)).rstrip() if frame else "(the thread has ended)"
        # In a thread, because logging itself may block.
        reporter = threading.Thread(target=logger.error, args=("%s; its stack:\n%s", problem, stack), daemon=True)
        reporter.start()
        reporter.join(self.report_timeout)
        if exits:
            os._exit(HUNG_EXIT_CODE)

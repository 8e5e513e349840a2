"""The watchdog: a thread that notices an event loop that hangs, a parent that is gone, and a stop without an end.

A handler that blocks the event loop blocks every request of its process, and also whatever could say so in it. So the
process is watched from a thread.
"""

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
"""The exit code of a process that was ended by its watchdog (EX_SOFTWARE)."""


class Watchdog(threading.Thread):
    """Watches the thread that makes it, while the event loop calls `heartbeat()` each second.

    `parent` is the socket to the process that supervises this one; it is told each second that this thread lives.
    Without `exit_when_hung`, a loop that hangs is only reported, so that a debugger may hold it. All times are seconds.
    """

    interval: ClassVar[float] = 1.0
    max_missed: ClassVar[int] = 8  # ticks without a beat: a machine that sleeps has no ticks either
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
        """Note that the event loop lives."""
        self._heartbeats += 1

    def start_shutdown_timer(self) -> None:
        """End the process after `shutdown_seconds` from now, whatever it still does."""
        self._deadline = min(self._deadline, time.monotonic() + self._shutdown_seconds)

    def run(self) -> None:
        """Watch until the process ends."""
        seen, silent = 0, 0
        while True:
            self._notify_parent()
            self._wait()
            silent = silent + 1 if self._heartbeats == seen else 0
            seen = self._heartbeats
            if silent == self.max_missed:
                self._report(
                    f"the event loop hangs for {self.max_missed * self.interval:g} s", exits=self._exit_when_hung
                )
            if time.monotonic() >= self._deadline:
                self._report(f"the process has not ended within {self._shutdown_seconds:g} s", exits=True)

    def _wait(self) -> None:
        """Wait for the next tick; where the parent is gone meanwhile, end as well."""
        if self._parent is None:
            time.sleep(self.interval)
        elif select.select([self._parent], [], [], self.interval)[0]:
            logger.warning("the parent process is gone, and so this one ends")
            self._parent = None
            self.start_shutdown_timer()
            os.kill(os.getpid(), signal.SIGINT)

    def _notify_parent(self) -> None:
        if self._parent is not None:
            with suppress(OSError):  # it is gone, or is busy
                self._parent.send(b".", socket.MSG_DONTWAIT)

    def _report(self, what: str, *, exits: bool) -> None:
        frame = sys._current_frames().get(self._watched)
        stack = "".join(traceback.format_stack(frame)).rstrip() if frame else "(its thread has ended)"
        # In a thread, because what hangs may be the log itself.
        reporter = threading.Thread(target=logger.error, args=("%s; it is here:\n%s", what, stack), daemon=True)
        reporter.start()
        reporter.join(self.report_timeout)
        if exits:
            os._exit(HUNG_EXIT_CODE)

"""How long a run of migrations waits for others, and where it reports that."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from app.core.data.errors import MigrationError

logger = logging.getLogger(__name__)

DEFAULT_TIMEOUT: Final = 600.0
"""Seconds that a run waits for others by default."""

_SHORTEST: Final = 0.2  # seconds; each pause is twice the one before, up to the longest
_LONGEST: Final = 4.0
_REPORT_EVERY: Final = 15.0


@dataclass
class Backoff:
    """Exponential backoff with a timeout in seconds, which starts anew after each success.

    `report` gets the sentences for the operator: what it waits for, and what it applied.
    """

    timeout: float = DEFAULT_TIMEOUT
    report: Callable[[str], None] = logger.info
    _began: float | None = field(default=None, init=False)
    _pauses: int = field(default=0, init=False)
    _reported_at: float | None = field(default=None, init=False)

    def wait(self, reason: str) -> None:
        """Sleep, longer each time, and report the reason from time to time.

        Raises:
            MigrationError: the timeout has passed; the message names the reason.
        """
        now = time.monotonic()
        self._began = self._began or now
        left = self._began + self.timeout - now
        if left <= 0:
            raise MigrationError(f"{reason}; gave up after {self.timeout:g} s, run it again later")
        self.report_wait(reason)
        longest = min(_SHORTEST * 2**self._pauses, _LONGEST, left)
        self._pauses += 1
        time.sleep(random.uniform(longest / 2, longest))  # noqa: S311  # jitter: two runs must not retry in step

    def report_wait(self, reason: str) -> None:
        """Report a reason, at most every 15 seconds."""
        now = time.monotonic()
        if self._reported_at is None or now - self._reported_at > _REPORT_EVERY:
            self._reported_at = now
            self.report(reason)

    def reset(self) -> None:
        """Start the timeout anew after a success."""
        self._began, self._pauses = None, 0

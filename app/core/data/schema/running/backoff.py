"""Exponential backoff for migrations that wait for other connections."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from app.core.data.errors import MigrationError

logger = logging.getLogger(__name__)

DEFAULT_TIMEOUT: Final = 600.0
"""Seconds that a run waits for other connections by default."""

_SHORTEST: Final = 0.2  # seconds; each pause doubles, up to the longest
_LONGEST: Final = 4.0
_REPORT_EVERY: Final = 15.0


@dataclass
class Backoff:
    """Exponential backoff with a timeout in seconds, which starts again after each success.

    `report` gets sentences for the operator: the reason for a wait, and each applied migration.
    """

    timeout: float = DEFAULT_TIMEOUT
    report: Callable[[str], None] = logger.info
    _began: float | None = field(default=None, init=False)
    _pauses: int = field(default=0, init=False)
    _reported_at: float | None = field(default=None, init=False)

    def wait(self, reason: str) -> None:
        """Sleep, longer each time; MigrationError with the reason when the timeout has passed."""
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
        self._began, self._pauses = None, 0

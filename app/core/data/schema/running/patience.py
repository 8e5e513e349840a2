"""How long a run of migrations waits for others, and to whom it says so."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from app.core.data.errors import MigrationError

logger = logging.getLogger(__name__)

WAIT: Final = 600.0
"""Seconds that a run waits for others where nobody says how long."""

_SHORTEST: Final = 0.2  # seconds; each pause is twice the one before, up to the longest
_LONGEST: Final = 4.0
_SAID_EVERY: Final = 15.0


@dataclass
class Patience:
    """What is left of the time to wait for others; it is whole again when something succeeds.

    `tell` gets the sentences for the operator: who is waited for, and what is done; `trace` what SQLite executes.
    """

    seconds: float = WAIT
    tell: Callable[[str], None] = logger.info
    trace: Callable[[str], None] | None = None
    _began: float | None = field(default=None, init=False)
    _pauses: int = field(default=0, init=False)
    _said_at: float | None = field(default=None, init=False)

    def pause(self, what: str) -> None:
        """Wait a moment for what is in the way, longer each time, and say so once in a while.

        Raises:
            MigrationError: the time is over; it says what was waited for.
        """
        now = time.monotonic()
        self._began = self._began or now
        left = self._began + self.seconds - now
        if left <= 0:
            raise MigrationError(f"{what}; nothing came of {self.seconds:g} s of waiting, so run it again later")
        self.say(what)
        longest = min(_SHORTEST * 2**self._pauses, _LONGEST, left)
        self._pauses += 1
        time.sleep(random.uniform(longest / 2, longest))  # noqa: S311  # so that two do not try at the same moments

    def say(self, what: str) -> None:
        """Say what is waited for, once in a while."""
        now = time.monotonic()
        if self._said_at is None or now - self._said_at > _SAID_EVERY:
            self._said_at = now
            self.tell(what)

    def restore(self) -> None:
        """Begin to count anew: what was in the way is not any more."""
        self._began, self._pauses = None, 0

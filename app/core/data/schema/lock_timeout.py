"""The lock timeout: how long a migration waits for a lock before other transactions go first."""

from typing import Final

# On PostgreSQL an ALTER TABLE waits for all transactions that use the table, and all later statements wait behind it.
# So a migration that waits longer for a lock rolls back, pauses (see `running/backoff.py`), and tries again.
LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '300ms'"

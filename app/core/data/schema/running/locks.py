"""PostgreSQL: the advisory lock of a migration run, and a watch that reports the processes that block a migration.

Both use connections of their own, beside the connection that migrates.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from app.core.data.schema.running.backoff import Backoff

LOCK_KEY: Final = 718293041  # arbitrary; all runs use the same
# The lock belongs to a transaction, so that it also holds behind a pooler. It is polled: a transaction that waits for a
# lock holds a snapshot, and CREATE INDEX CONCURRENTLY of the other run would wait for it. For the same reason the
# transaction with the lock runs no other query.
_LOCK: Final = text(f"SELECT pg_try_advisory_xact_lock({LOCK_KEY})")
# Older versions lack some of them. The transaction with the lock is idle until the migrations end.
_NO_TIMEOUTS: Final = text("""
    SELECT set_config(name, '0', true) FROM pg_settings
    WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout', 'statement_timeout', 'lock_timeout')
""")
_BLOCKERS: Final = text("""
    SELECT DISTINCT other.pid, other.usename, other.application_name, left(other.query, 60) AS query,
        other.backend_type = 'autovacuum worker' AS is_autovacuum,
        extract(epoch FROM clock_timestamp() - other.xact_start) AS seconds
    FROM pg_stat_activity AS mine
    CROSS JOIN LATERAL unnest(pg_blocking_pids(mine.pid)) AS blocking (pid)
    JOIN pg_stat_activity AS other ON other.pid = blocking.pid
    WHERE mine.application_name = :name AND mine.wait_event_type = 'Lock' AND other.application_name <> :name
    ORDER BY other.pid LIMIT 3
""")
_AUTOVACUUM_LOCKS: Final = text("""
    SELECT format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', oid::regclass)
    FROM pg_locks JOIN pg_class ON oid = relation
    WHERE pid = :pid AND mode = 'ShareUpdateExclusiveLock' AND relkind = 'r'
""")
_POLL_INTERVAL: Final = 0.1  # seconds; less than the lock timeout of a migration
_REPORT_AFTER: Final = 3.0  # seconds


class LockWatch:
    """Polls, in a thread, for the processes that block a migration, and reports a long wait."""

    def __init__(self, engine: Engine, name: str, backoff: Backoff) -> None:
        self._engine, self._name, self._backoff = engine, name, backoff
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="lock-watch", daemon=True)
        self._blockers = ""
        self._blocked_polls = 0

    def __enter__(self) -> "LockWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def take_blockers(self) -> str:
        """Return the processes that blocked since the last call, as a sentence."""
        blockers, self._blockers = self._blockers, ""
        return f"waiting for {blockers}" if blockers else "waiting for a lock that another process holds"

    def _poll(self) -> None:
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                while not self._ended.wait(_POLL_INTERVAL):
                    self._poll_once(connection)
        except SQLAlchemyError:
            return  # the connection is lost; the migration raises the error

    def _poll_once(self, connection: Connection) -> None:
        others = connection.execute(_BLOCKERS, {"name": self._name}).all()
        self._blocked_polls = self._blocked_polls + 1 if others else 0
        if others:
            self._blockers = ", ".join(map(_described, others))
        for other in others:
            if other.is_autovacuum:
                _cancel_autovacuum(connection, other.pid)
        if self._blocked_polls * _POLL_INTERVAL > _REPORT_AFTER:
            self._backoff.report_wait(f"waiting for {self._blockers}")


@contextmanager
def migration_lock(engine: Engine, name: str, backoff: Backoff) -> Iterator[LockWatch]:
    """Hold the advisory lock while the block runs; `name` is the application_name of the connection that migrates."""
    with engine.connect() as connection:
        while not connection.execute(_LOCK).scalar():
            connection.rollback()
            backoff.wait("waiting for another run of the migrations")
        backoff.reset()
        connection.execute(_NO_TIMEOUTS)
        with LockWatch(engine, name, backoff) as watch:
            yield watch


def _cancel_autovacuum(connection: Connection, pid: int) -> None:
    # PostgreSQL cancels an autovacuum that blocks a statement for deadlock_timeout (1 s). A migration gives up earlier.
    # So this waits in its place, for a lock mode that blocks no reader and no writer.
    for lock in connection.execute(_AUTOVACUUM_LOCKS, {"pid": pid}).scalars().all():
        with suppress(OperationalError), connection.connection.driver_connection.transaction():  # type: ignore[union-attr]
            connection.exec_driver_sql("SET LOCAL lock_timeout = '3s'")
            connection.exec_driver_sql(lock)


def _described(other: Any) -> str:
    # PostgreSQL shows the transaction and the query of another role to privileged roles only.
    names = [f"role {other.usename}"] if other.usename else []
    names += [other.application_name] if other.application_name else []
    age = f", its transaction is open for {other.seconds:.0f} s" if other.seconds is not None else ""
    query = " ".join((other.query or "").split())
    shown = f": {query}" if other.seconds is not None and query else ""
    return f"process {other.pid} ({', '.join(names) or 'of the server'}){age}{shown}"

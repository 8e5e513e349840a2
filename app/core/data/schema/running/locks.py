"""One migrator at a time on PostgreSQL, and who is in its way: each by a connection beside the one that migrates.

It is a transaction's lock, which holds behind a pooler as well, and it is asked for again and again: who waits for a
lock has a snapshot meanwhile, and the other one's CREATE INDEX CONCURRENTLY would wait for that transaction to end. For
the same reason nothing else is asked in the transaction that holds the lock.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from app.core.data.schema.running.backoff import Backoff

LOCK_KEY: Final = 718293041  # of no meaning but to be the same for everybody
_LOCK: Final = text(f"SELECT pg_try_advisory_xact_lock({LOCK_KEY})")
# Some of them are not there on each version. This transaction is idle for as long as the migrations take.
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
_POLL_INTERVAL: Final = 0.1  # seconds, less than the time that a migration waits for a lock
_REPORT_AFTER: Final = 3.0  # seconds of one wait


class LockWatch:
    """Looks for those that a migration waits for, in a thread, and says who they are when it takes long."""

    def __init__(self, engine: Engine, name: str, backoff: Backoff) -> None:
        self._engine, self._name, self._backoff = engine, name, backoff
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="lock-watch", daemon=True)
        self._seen = ""
        self._looks = 0

    def __enter__(self) -> "LockWatch":
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it, and return when its connection is closed."""
        self._ended.set()
        self._thread.join()

    def take_blockers(self) -> str:
        """Return who was in the way since the last call, as a sentence."""
        seen, self._seen = self._seen, ""
        return f"waiting for {seen}" if seen else "waiting for a lock that others hold"

    def _look(self) -> None:
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                while not self._ended.wait(_POLL_INTERVAL):
                    self._look_once(connection)
        except SQLAlchemyError:
            return  # the database is gone; the connection that migrates will say so

    def _look_once(self, connection: Connection) -> None:
        others = connection.execute(_BLOCKERS, {"name": self._name}).all()
        self._looks = self._looks + 1 if others else 0
        if others:
            self._seen = ", ".join(map(_described, others))
        for other in others:
            if other.is_autovacuum:
                _cancel_autovacuum(connection, other.pid)
        if self._looks * _POLL_INTERVAL > _REPORT_AFTER:
            self._backoff.report_wait(f"waiting for {self._seen}")


@contextmanager
def migration_lock(engine: Engine, name: str, backoff: Backoff) -> Iterator[LockWatch]:
    """Be the only one that migrates this database while the block runs; `name` is the application_name of its work.

    Raises:
        MigrationError: another one took longer than this one's backoff.
    """
    with engine.connect() as connection:
        while not connection.execute(_LOCK).scalar():
            connection.rollback()
            backoff.wait("waiting for another run of the migrations")
        backoff.reset()
        connection.execute(_NO_TIMEOUTS)
        with LockWatch(engine, name, backoff) as watch:
            yield watch


def _cancel_autovacuum(connection: Connection, pid: int) -> None:
    """Let PostgreSQL end an autovacuum, as it does for those who wait a second: a migration does not wait so long.

    This waits for a lock that stops no reader and no writer.
    """
    for lock in connection.execute(_AUTOVACUUM_LOCKS, {"pid": pid}).scalars().all():
        with suppress(OperationalError), connection.connection.driver_connection.transaction():  # type: ignore[union-attr]
            connection.exec_driver_sql("SET LOCAL lock_timeout = '3s'")
            connection.exec_driver_sql(lock)


def _described(other: Any) -> str:
    """One that is in the way; its transaction and query are shown to those with the right to see them."""
    who = [f"role {other.usename}"] if other.usename else []
    who += [other.application_name] if other.application_name else []
    since = f", its transaction is open for {other.seconds:.0f} s" if other.seconds is not None else ""
    query = " ".join((other.query or "").split())
    asks = f": {query}" if other.seconds is not None and query else ""
    return f"process {other.pid} ({', '.join(who) or 'of the server'}){since}{asks}"

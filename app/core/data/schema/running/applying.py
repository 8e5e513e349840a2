"""Applies migrations: one process at a time, each migration in its own transaction, with a short lock timeout."""

import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from alembic.runtime.environment import EnvironmentContext
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import OperationalError

from app.core.data.connection.failures import Failure, classify
from app.core.data.schema.engines import migration_engine
from app.core.data.schema.lock_timeout import LOCK_TIMEOUT
from app.core.data.schema.running.backoff import Backoff
from app.core.data.schema.running.locks import LockWatch, migration_lock

_TIMEOUTS: Final = f"{LOCK_TIMEOUT}; SET LOCAL statement_timeout = 0"

Steps = Callable[[Any, Any], Iterable[Any]]


class _OneByOne:
    """Gives alembic one step at a time, so that it reads the current revision again in the transaction of each step."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._left: list[Any] | None = None
        self.current: Any = None

    def __call__(self, heads: Any, context: Any) -> list[Any]:
        # Without the steps that another process has done since the first call.
        found = list(self._steps(heads, context))
        self._left = found if self._left is None else self._left
        self.current = next((step for step in found if step in self._left), None)
        return [self.current] if self.current else []

    def advance(self) -> bool:
        """Mark the current step as done, and tell whether steps are left."""
        if self._left is None or self.current is None:
            return False
        self._left = [step for step in self._left if step != self.current]
        return bool(self._left)


def apply(environment: EnvironmentContext, url: URL, options: dict[str, Any]) -> None:
    """Run the migrations of alembic's present command; applied migrations stay when a later one fails.

    The options are alembic's, with a `backoff`, and a `trace` function for SQLite's statements.

    Raises:
        MigrationError: a lock was not free within the timeout.
        UnfitRows: the rows break a new constraint, or do not fit a new type.
    """
    backoff: Backoff = options["backoff"]
    name = f"app migrate {os.getpid()} {secrets.token_hex(4)}"
    with (
        _engine(url, name, options["trace"]) as engine,
        _locked(engine, name, backoff) as watch,
        engine.connect() as connection,
    ):
        options |= {"connection": connection, "transaction_per_migration": True, "watch": watch}
        environment.configure(**options)
        steps = _OneByOne(environment.get_context().opts["fn"])
        while True:
            began = time.monotonic()
            _run_one(environment, connection, options | {"fn": steps})
            if steps.current is not None:
                _report_step(backoff, steps.current, time.monotonic() - began)
            if not steps.advance():
                return


def _run_one(environment: EnvironmentContext, connection: Connection, options: dict[str, Any]) -> None:
    # A step that does not get its locks is rolled back and retried.
    backoff: Backoff = options["backoff"]
    watch: LockWatch | None = options["watch"]
    while True:
        try:
            environment.configure(**options)
            environment.run_migrations()
            connection.rollback()  # without a step, the transaction of alembic's first read is still open
        except OperationalError as error:
            connection.rollback()
            if classify(error) is not Failure.BUSY:
                raise
            backoff.wait(watch.take_blockers() if watch else "waiting for another connection that is writing")
        else:
            backoff.reset()
            return


def _report_step(backoff: Backoff, step: Any, seconds: float) -> None:
    if revision := getattr(step, "revision", None):
        verb = "applied" if step.is_upgrade else "reverted"
        backoff.report(f"{verb} {revision.revision} ({revision.doc}) in {seconds:.2f} s")


@contextmanager
def _engine(url: URL, name: str, trace: Callable[[str], None] | None) -> Iterator[Engine]:
    engine = migration_engine(url, name)
    if trace and engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _connect(connection: Any, _: Any) -> None:
            connection.set_trace_callback(trace)

    if engine.dialect.name == "postgresql":

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
                connection.exec_driver_sql(_TIMEOUTS)

    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _locked(engine: Engine, name: str, backoff: Backoff) -> Iterator[LockWatch | None]:
    if engine.dialect.name != "postgresql":  # on SQLite BEGIN IMMEDIATE is the lock
        yield None
        return
    with migration_lock(engine, name, backoff) as watch:
        yield watch


def print_statements(environment: EnvironmentContext, options: dict[str, Any]) -> None:
    """Print the SQL of alembic's present command for PostgreSQL, without a connection."""
    environment.configure(
        dialect_name="postgresql",
        dialect_opts={"paramstyle": "named"},
        literal_binds=True,
        transaction_per_migration=True,
        **options,
    )
    environment.run_migrations()

"""How migrations are run: each in a transaction of its own, one migrator at a time, and nobody else waits for long.

On PostgreSQL a change of a table waits for those who use it, and everybody who comes later waits behind it. So it waits
for a moment only; where that is too short, it is taken back, and is tried again after a pause.
"""

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
from app.core.data.schema.running.migrators import LockWatch, only_migrator
from app.core.data.schema.running.patience import Patience

LIMITS: Final = "SET LOCAL lock_timeout = '300ms'; SET LOCAL statement_timeout = 0"

Steps = Callable[[Any, Any], Iterable[Any]]


class _OneByOne:
    """The steps that alembic finds, one at a time: it reads anew what was applied, in the transaction of each."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._left: list[Any] | None = None
        self.current: Any = None

    def __call__(self, heads: Any, context: Any) -> list[Any]:
        """Return the next of the steps that were to be done at first, and that nobody else has done since."""
        found = list(self._steps(heads, context))
        self._left = found if self._left is None else self._left
        self.current = next((step for step in found if step in self._left), None)
        return [self.current] if self.current else []

    def advance(self) -> bool:
        """Count the current step as done; tell whether another may follow."""
        if self._left is None or self.current is None:
            return False
        self._left = [step for step in self._left if step != self.current]
        return bool(self._left)


def apply(environment: EnvironmentContext, url: URL, options: dict[str, Any], patience: Patience) -> None:
    """Run the migrations of alembic's present command; those that were applied stay when a later one fails.

    Raises:
        MigrationError: others were in the way for longer than the patience lasts, or rows are.
    """
    name = f"app migrate {os.getpid()} {secrets.token_hex(4)}"
    with (
        _engine(url, name, patience) as engine,
        _alone(engine, name, patience) as watch,
        engine.connect() as connection,
    ):
        options |= {"connection": connection, "transaction_per_migration": True, "patience": patience, "watch": watch}
        environment.configure(**options)
        steps = _OneByOne(environment.get_context().opts["fn"])
        while True:
            began = time.monotonic()
            _run_one(environment, connection, options | {"fn": steps}, patience)
            if steps.current is not None:
                _tell(patience, steps.current, time.monotonic() - began)
            if not steps.advance():
                return


def _run_one(
    environment: EnvironmentContext, connection: Connection, options: dict[str, Any], patience: Patience
) -> None:
    """Run a step until it is done."""
    watch: LockWatch | None = options["watch"]
    while True:
        try:
            environment.configure(**options)
            environment.run_migrations()
            connection.rollback()  # what it read, where there was nothing to do
        except OperationalError as error:
            connection.rollback()
            if classify(error) is not Failure.BUSY:
                raise
            patience.pause(watch.take_seen() if watch else "waiting for another connection that is writing")
        else:
            patience.restore()
            return


def _tell(patience: Patience, step: Any, seconds: float) -> None:
    if revision := getattr(step, "revision", None):
        verb = "applied" if step.is_upgrade else "took back"
        patience.tell(f"{verb} {revision.revision} ({revision.doc}) in {seconds:.2f} s")


@contextmanager
def _engine(url: URL, name: str, patience: Patience) -> Iterator[Engine]:
    engine = migration_engine(url, name)
    if patience.trace and engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _connect(connection: Any, _: Any) -> None:
            connection.set_trace_callback(patience.trace)

    if engine.dialect.name == "postgresql":

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
                connection.exec_driver_sql(LIMITS)

    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _alone(engine: Engine, name: str, patience: Patience) -> Iterator[LockWatch | None]:
    """On SQLite a transaction that writes is alone by itself."""
    if engine.dialect.name != "postgresql":
        yield None
        return
    with only_migrator(engine, name, patience) as watch:
        yield watch


def print_statements(environment: EnvironmentContext, options: dict[str, Any]) -> None:
    """Print what alembic's present command would run on PostgreSQL, without asking a database anything."""
    environment.configure(
        dialect_name="postgresql",
        dialect_opts={"paramstyle": "named"},
        literal_binds=True,
        transaction_per_migration=True,
        **options,
    )
    environment.run_migrations()

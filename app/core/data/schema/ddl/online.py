"""Runs the statements of `op.online()`: each in its own transaction, with a short lock timeout and retries."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Final, TypeVar, cast

from alembic.ddl.postgresql import PostgresqlImpl
from sqlalchemy.exc import OperationalError
from sqlalchemy.util import immutabledict

from app.core.data.connection.failures import Failure, classify
from app.core.data.errors import MigrationError
from app.core.data.schema.ddl.catalog import Catalog
from app.core.data.schema.lock_timeout import LOCK_TIMEOUT
from app.core.data.schema.running.backoff import Backoff

R = TypeVar("R")

# These block no writer, so they can wait for their locks; some of them cannot run in a transaction.
_NONBLOCKING: Final = re.compile(
    r"\s*(VACUUM\b|ANALYZE\b|(CREATE|DROP|REINDEX|REFRESH)\b.*\bCONCURRENTLY\b|ALTER TABLE .* VALIDATE CONSTRAINT\b)",
    re.IGNORECASE | re.DOTALL,
)


class OnlineImpl(PostgresqlImpl):
    """Executes alembic's statements on PostgreSQL; inside `online()` each is committed by itself."""

    is_online = False
    has_lock_timeout = False
    _has_begun = False

    @property
    def backoff(self) -> Backoff:
        backoff: Backoff = self.context_opts.get("backoff") or Backoff()
        return backoff

    @property
    def catalog(self) -> Catalog:
        return Catalog(None if self.as_sql else self.connection)

    def refuse_started_transaction(self) -> None:
        """Raise MigrationError if the migration has executed a statement, which `op.online()` would commit early."""
        if self._has_begun and not self.as_sql:
            raise MigrationError(
                "op.online() follows other operations of its migration, which would be committed even if the rest"
                " fails: put them into a migration of their own"
            )

    @contextmanager
    def online(self) -> Iterator[None]:
        self.is_online = True
        timeouts = self.catalog.disable_timeouts()
        try:
            yield
        finally:
            self.catalog.reset(timeouts)
            self.is_online = False

    def with_lock_timeout(self, change: Callable[[], R]) -> R:
        """Run a change in a transaction with a short lock timeout, and retry it until it gets its locks."""
        while True:
            try:
                with self._transaction():
                    result = change()
            except OperationalError as error:
                if classify(error) is not Failure.BUSY:
                    raise
                watch = self.context_opts.get("watch")
                self.backoff.wait(watch.take_blockers() if watch else "waiting for a lock")
            else:
                self.backoff.reset()
                return result

    def _exec(
        self,
        construct: Any,
        execution_options: Mapping[str, Any] | None = None,
        multiparams: Sequence[Mapping[str, Any]] | None = None,
        params: Mapping[str, Any] = immutabledict(),
    ) -> Any:
        run = partial(super()._exec, construct, execution_options, multiparams, params)
        self._has_begun = True
        if not self.is_online or self.has_lock_timeout or _NONBLOCKING.match(self._text(construct)):
            return run()
        return self.with_lock_timeout(run)

    def _text(self, construct: Any) -> str:
        return construct if isinstance(construct, str) else str(construct.compile(dialect=self.dialect))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        # The connection is in autocommit mode, so SQLAlchemy begins no transaction here.
        with ExitStack() as stack:
            if self.as_sql:
                self.emit_begin()
                stack.callback(self.emit_commit)
            else:
                stack.enter_context(cast("Any", self.connection).connection.driver_connection.transaction())
            self.has_lock_timeout = True
            stack.callback(setattr, self, "has_lock_timeout", False)
            self._exec(LOCK_TIMEOUT)
            yield

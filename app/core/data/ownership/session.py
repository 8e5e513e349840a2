"""The session of a request or a command: each statement is one transaction; `atomic()` groups several."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, NoReturn, Self, cast

from sqlalchemy import Connection, Dialect, Engine, Select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncResult, AsyncSession
from sqlalchemy.util import greenlet_spawn
from sqlmodel import SQLModel

from app.core.data.connection.compiled import Rows, Statement, Values
from app.core.data.connection.execution import execute_on_connection, execute_on_engine
from app.core.data.connection.retry import retry
from app.core.data.connection.violations import ReferenceNotFound, SuspectedReference, suspected_references
from app.core.data.errors import NotAtomic, OutcomeUnknown
from app.core.data.ownership.engines import scoped
from app.core.data.ownership.hooks import add_hooks
from app.core.data.ownership.owned_session import OwnedSession
from app.core.data.sql.statements import ids_of

JOINED: Final = "joined"
"""The key in a session's `info` that marks a connection inside an outer transaction, which a test rolls back."""

add_hooks(OwnedSession)


class AppSession(AsyncSession):
    """An async session over an `OwnedSession`, on an engine in AUTOCOMMIT."""

    sync_session_class = OwnedSession
    sync_session: OwnedSession

    def __init__(self, bind: AsyncEngine, **options: Any) -> None:
        super().__init__(scoped(bind), **options)

    async def run(self, statement: Statement, values: Values) -> Rows:
        """Execute a Core statement in one round trip, and return its rows as tuples; retry it while that is safe."""
        return await self._execute_checked(statement, self.sync_session.with_owner(values))

    async def insert_row(self, model: type[SQLModel], values: Values) -> tuple[Any, ...]:
        """Insert one row for the session's owner, and return all of its columns.

        Raises:
            OwnerNotBound: there is no owner.
            ForeignRow: the values name another owner, or an id.
        """
        [row] = await self._execute_checked(*self.sync_session.insert_for(model, values))
        return row

    async def _execute_checked(self, statement: Statement, values: Values) -> Rows:
        try:
            return await self._execute_or_retry(statement, values)
        except IntegrityError as error:
            if not (references := suspected_references(error, statement, values)):
                raise
            missing = [each.column for each in references if not await self._exist(each)]
            raise ReferenceNotFound.with_columns(error, missing) from error

    async def _exist(self, reference: SuspectedReference) -> bool:
        found = await self.run(ids_of(reference.model), {"_ids": reference.ids})
        return len(found) == len({*reference.ids})

    async def _execute_or_retry(self, statement: Statement, values: Values) -> Rows:
        session = self.sync_session
        if session.in_transaction():
            connection = await greenlet_spawn(session.transaction_connection)
            return await execute_on_connection(connection, self.dialect, session.owner_id, statement, values)
        engine = cast("Engine", session.get_bind())
        return await retry(
            partial(execute_on_engine, engine, session.owner_id, statement, values),
            read_only=isinstance(statement, Select),
        )

    async def execute(self, statement: Any, *args: Any, **kwargs: Any) -> Any:
        # Also retries, as `run()` does: a SELECT outside of a transaction.
        if self.sync_session.in_transaction() or not isinstance(statement, Select):
            return await super().execute(statement, *args, **kwargs)
        return await retry(partial(self._execute_first, statement, *args, **kwargs), read_only=True)

    async def _execute_first(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super().execute(*args, **kwargs)
        except DBAPIError:
            await self.rollback()  # releases the broken connection
            raise

    async def close(self) -> None:
        # After `run()` alone there is nothing to close.
        if self.sync_session.in_transaction() or self.sync_session.identity_map:
            await super().close()

    def begin(self) -> NoReturn:
        raise NotAtomic("begin() starts no transaction on this engine; use `async with session.atomic():`.")

    def begin_nested(self) -> NoReturn:
        raise NotAtomic("begin_nested() needs a transaction around it; use `async with session.atomic():` twice.")

    async def stream(self, *args: Any, **kwargs: Any) -> AsyncResult[Any]:
        if self.sync_session.atomic_depth == 0 and not self._is_snapshot:  # a cursor ends with its transaction
            raise NotAtomic("stream() needs a transaction around it; use `async with session.atomic():`.")
        result: AsyncResult[Any] = await super().stream(*args, **kwargs)
        return result

    @asynccontextmanager
    async def atomic(self) -> AsyncIterator[Self]:
        """Run the block in one transaction, which is rolled back if the block raises; inside `atomic()`, a savepoint.

        Raises:
            OutcomeUnknown: the connection was lost during the COMMIT.
            OwnerBusy: the owner got no connection in time.
        """
        is_savepoint = self.sync_session.atomic_depth > 0 or JOINED in self.info
        if not is_savepoint:
            await self.commit()  # returns the AUTOCOMMIT connection to the pool; sends nothing
        self.sync_session.atomic_depth += 1
        try:
            async with super().begin_nested() if is_savepoint else super().begin():
                if not is_savepoint:
                    await greenlet_spawn(self.sync_session.open_transaction, self._isolation_level)
                yield self
        except DBAPIError as error:
            if error.statement is None and error.connection_invalidated:  # no statement: the COMMIT
                raise OutcomeUnknown from error
            raise
        finally:
            self.sync_session.atomic_depth -= 1

    @property
    def dialect(self) -> Dialect:
        return cast("Engine | Connection", self.sync_session.bind).dialect

    @property
    def _is_snapshot(self) -> bool:
        # All statements on a `snapshot_of()` engine are in one transaction.
        return bool(self.sync_session.get_bind().get_execution_options().get("reads_only"))

    @property
    def _isolation_level(self) -> str:
        # SQLite has only SERIALIZABLE; `begin_immediately()` makes a second writer wait instead of failing.
        return "SERIALIZABLE" if self.dialect.name == "sqlite" else "READ COMMITTED"

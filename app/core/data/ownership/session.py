"""The session of a request or a command: one statement is one transaction and one round trip, more are `atomic()`.

The engine is in AUTOCOMMIT, so that there is nothing to begin or to commit around a single statement. Whose rows a
statement may reach is held by the `OwnedSession` beneath.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, NoReturn, Self, cast

from sqlalchemy import Connection, Dialect, Engine, Select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncResult, AsyncSession
from sqlalchemy.util import greenlet_spawn
from sqlmodel import SQLModel

from app.core.data.connection.compiled import Rows, Statement, Values, execute_on_connection, execute_on_engine
from app.core.data.connection.retry import retry
from app.core.data.connection.violations import ReferenceNotFound, suspected_references
from app.core.data.errors import NotAtomic, OutcomeUnknown
from app.core.data.ownership.engines import scoped
from app.core.data.ownership.hooks import add_hooks
from app.core.data.ownership.owned_session import OwnedSession
from app.core.data.sql.statements import select_of
from app.core.data.tables.owned import Owned

JOINED: Final = "joined"
"""In a session's `info`: its connection is in a transaction that somebody else ends (a test's)."""

add_hooks(OwnedSession)


class AppSession(AsyncSession):
    """The session of a request or a command: an `OwnedSession` behind await, with `atomic()`."""

    sync_session_class = OwnedSession
    sync_session: OwnedSession

    def __init__(self, bind: AsyncEngine, **options: Any) -> None:
        super().__init__(scoped(bind), **options)

    async def run(self, statement: Statement, values: Values) -> Rows:
        """Run a Core statement, which is compiled once and kept, and return its rows, which are tuples.

        It is one round trip, and repeated where that is safe when the database goes away: see `connection/retry.py`.

        Raises:
            OwnerNotBound: it is about owned rows, and there is no owner.
        """
        return await self._execute_checked(statement, self.sync_session.with_owner(values))

    async def insert_row(self, model: type[SQLModel], values: Values) -> tuple[Any, ...]:
        """Insert one row and return all of its columns, in one statement; an owned row is the session's owner's.

        Raises:
            OwnerNotBound: there is nobody to give the row to.
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
            missing = [r.column for r, row_id in references if not await self._exists(r.model, row_id)]
            raise ReferenceNotFound.explaining(error, missing) from error

    async def _exists(self, model: type[Owned], row_id: int) -> bool:
        return bool(await self.run(select_of(model), {"_id": row_id}))

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
        """Execute an ORM statement; one that reads, and is the first, is repeated where `run()` would repeat it."""
        if self.sync_session.in_transaction() or not isinstance(statement, Select):
            return await super().execute(statement, *args, **kwargs)
        return await retry(partial(self._execute_first, statement, *args, **kwargs), read_only=True)

    async def _execute_first(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super().execute(*args, **kwargs)
        except DBAPIError:
            await self.rollback()  # lets go of the connection that broke
            raise

    async def close(self) -> None:
        """Give everything back; a session whose statements ran alone holds nothing."""
        if self.sync_session.in_transaction() or self.sync_session.identity_map:
            await super().close()

    def begin(self) -> NoReturn:
        """Refuse: on an AUTOCOMMIT engine this would look like a transaction and be none."""
        raise NotAtomic("begin() starts no transaction on this engine; use `async with session.atomic():`.")

    def begin_nested(self) -> NoReturn:
        """Refuse, for the same reason as begin(); atomic() inside atomic() is a savepoint."""
        raise NotAtomic("begin_nested() needs a transaction around it; use `async with session.atomic():` twice.")

    async def stream(self, *args: Any, **kwargs: Any) -> AsyncResult[Any]:
        """Stream rows, inside `atomic()` or of a snapshot: PostgreSQL keeps a cursor as long as a transaction lasts."""
        if self.sync_session.atomic_depth == 0 and not self._is_snapshot:
            raise NotAtomic("stream() needs a transaction around it; use `async with session.atomic():`.")
        result: AsyncResult[Any] = await super().stream(*args, **kwargs)
        return result

    @asynccontextmanager
    async def atomic(self) -> AsyncIterator[Self]:
        """Run the block in one transaction: all of it is stored, or, when it raises, nothing of it.

        Inside another `atomic()` it is a savepoint, and so it is where the connection is in a transaction already.

        Raises:
            OutcomeUnknown: the connection broke while the transaction was being committed.
            OwnerBusy: the owner has too much under way.
        """
        inner = self.sync_session.atomic_depth > 0 or JOINED in self.info
        if not inner:
            await self.commit()  # hands the AUTOCOMMIT connection back; nothing is on the wire
        self.sync_session.atomic_depth += 1
        try:
            async with super().begin_nested() if inner else super().begin():
                if not inner:
                    await greenlet_spawn(self.sync_session.open_transaction, self._isolation_level)
                yield self
        except DBAPIError as error:
            if error.statement is None and error.connection_invalidated:  # it was the COMMIT
                raise OutcomeUnknown from error
            raise
        finally:
            self.sync_session.atomic_depth -= 1

    @property
    def dialect(self) -> Dialect:
        """The dialect of the database that this session is about."""
        return cast("Engine | Connection", self.sync_session.bind).dialect

    @property
    def _is_snapshot(self) -> bool:
        """Whether each of its statements is in one transaction: see `snapshot_of()`."""
        return bool(self.sync_session.get_bind().get_execution_options().get("reads_only"))

    @property
    def _isolation_level(self) -> str:
        # SQLite has one level; `connection/engine.py` begins it IMMEDIATE, so that two writers wait instead of failing.
        return "SERIALIZABLE" if self.dialect.name == "sqlite" else "READ COMMITTED"

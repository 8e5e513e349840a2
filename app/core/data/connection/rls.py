"""Row level security: the owner's id is sent to PostgreSQL together with each statement.

Where the policies apply to the application's role, `set_config(..., is_local => true)` sets the owner for the
transaction, in one pipeline with the statement. So a statement is still one round trip, and nothing stays on the
connection, also behind a pooler in transaction mode. It is never a session-level SET.
"""

from collections.abc import Coroutine, Sequence
from typing import Any, Final, Self, TypeVar, cast

import psycopg
from psycopg import AsyncRawCursor, AsyncRawServerCursor
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from sqlalchemy import PoolProxiedConnection, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util.concurrency import in_greenlet

from app.core.data.connection.pipeline import PipelineConnection, Query

ResultT = TypeVar("ResultT")

OWNER_SETTING: Final = "app.user_id"
_SET_OWNER: Final = f"SELECT set_config('{OWNER_SETTING}', $1, true)"
_SET_UP: Final = """
    SELECT set_config('TimeZone', 'UTC', false), coalesce(bool_or(row_security_active(oid)), false), pg_backend_pid()
    FROM pg_class
    WHERE relrowsecurity AND relkind IN ('r', 'p') AND pg_table_is_visible(oid)
"""
# All tables count, also those that the role may not use now: privileges can be granted while the connection lives.


class RlsConnection(PipelineConnection):
    """A connection with an owner. Where `owner` is None, the policies let no row through."""

    is_row_security_active = False
    owner: str | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.cursor_factory = RlsCursor
        self.server_cursor_factory = RlsServerCursor

    @classmethod
    def open(cls, *arguments: Any, **options: Any) -> Coroutine[Any, Any, Self]:
        """Return a coroutine that connects, for SQLAlchemy's pool.

        Raises:
            MissingGreenlet: there is no greenlet in which the pool could await it.
        """
        if not in_greenlet():  # raised before the coroutine exists: one that is never awaited is a warning
            raise MissingGreenlet("A connection is opened in a greenlet.")
        return cls.connect(*arguments, **options)

    async def execute_fetchall(self, query: str, values: Sequence[Any]) -> list[TupleRow]:
        """Execute the query and return all rows; `SqliteConnection` has the same method."""
        if not self.autocommit:  # psycopg sends BEGIN with the first statement
            cursor = self.cursor()
            await cursor.execute(query, values)
            return await cursor.fetchall()
        if self.is_row_security_active:
            return await self.execute_pipeline(self.set_owner_query, (query, values))
        return await self.execute_pipeline((query, values))

    async def wait(self, gen: PQGen[ResultT], *arguments: Any, **options: Any) -> ResultT:
        """Wait for an operation of psycopg itself, with the timeout of a pipeline where there is an owner.

        Raises:
            psycopg.Error: without a `sqlstate`, the connection is closed.
        """
        if self.owner is not None:  # a command that serves all owners has no timeout
            options.setdefault("timeout", self.response_timeout)
        try:
            return await super().wait(gen, *arguments, **options)
        except psycopg.errors.PipelineAborted:
            raise  # follows an error of the server; the connection stays usable
        except psycopg.OperationalError as error:
            if error.sqlstate is None:
                self.pgconn.finish()
            raise

    @property
    def needs_owner_setting(self) -> bool:
        # In a failed transaction only ROLLBACK is accepted, so the owner is not set.
        return self.is_row_security_active and self.pgconn.transaction_status != TransactionStatus.INERROR

    @property
    def set_owner_query(self) -> Query:
        """The query that sets the owner until the transaction, or outside of one the pipeline, ends."""
        return _SET_OWNER, (self.owner or "",)


class RlsCursor(AsyncRawCursor[TupleRow]):
    """A cursor that sets the owner before each statement, where the policies apply."""

    async def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        connection = cast("RlsConnection", self.connection)
        if not connection.needs_owner_setting:
            return await super().execute(query, params, **options)
        async with connection.pipeline():
            await AsyncRawCursor(connection).execute(*connection.set_owner_query)
            await super().execute(query, params, **options)
        return self

    async def executemany(self, query: Any, params_seq: Any, *, returning: bool = False) -> None:
        connection = cast("RlsConnection", self.connection)
        if not connection.needs_owner_setting:
            await super().executemany(query, params_seq, returning=returning)
            return
        async with connection.pipeline():
            await AsyncRawCursor(connection).execute(*connection.set_owner_query)
            await super().executemany(query, params_seq, returning=returning)


class RlsServerCursor(AsyncRawServerCursor[TupleRow]):
    """The same for a server-side cursor, which is inside a transaction: the owner is set in a round trip before it."""

    async def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        connection = cast("RlsConnection", self.connection)
        if connection.needs_owner_setting:
            await AsyncRawCursor(connection).execute(*connection.set_owner_query)
        return await super().execute(query, params, **options)


def set_up_connections(engine: AsyncEngine) -> None:
    """Set up each new connection: time zone UTC, whether policies apply to its role, and prepared statements.

    A connection has no owner while it is in the pool.
    """
    # The time zone may be set once for a connection: PgBouncer in transaction mode keeps it for each client.

    @event.listens_for(engine.sync_engine, "connect")
    def _on_connect(connection: Any, _: ConnectionPoolEntry) -> None:
        driver, cursor = connection.driver_connection, connection.cursor()
        driver.owner = ""  # an owner, so that `wait` has a timeout
        cursor.execute(_SET_UP)
        _, driver.is_row_security_active, backend_pid = cursor.fetchone()
        cursor.close()
        driver.owner = None
        driver.prepare_if_direct(backend_pid)

    @event.listens_for(engine.sync_engine, "checkin")
    def _on_checkin(connection: DBAPIConnection | None, _: ConnectionPoolEntry) -> None:
        if connection is not None:
            connection.driver_connection.owner = None


def set_connection_owner(connection: PoolProxiedConnection, owner: str | None) -> None:
    """Set the owner for the following statements on this connection; does nothing on SQLite."""
    driver = connection.driver_connection
    if isinstance(driver, RlsConnection):
        driver.owner = owner

"""Row level security: PostgreSQL is told, with each statement, on whose behalf it runs.

Where the application's role is subject to the policies, the owner goes along as a setting of the transaction, in one
flight with the statement. So it is still one round trip, and nothing stays on the connection: it holds behind a pooler
that hands connections around by the transaction. It is never a session-level SET.
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
# Whatever the role may do with the tables now: rights can be granted while the connection lives.


class RlsConnection(PipelineConnection):
    """A connection that knows for whom it works; `owner` is None for nobody, for whom the policies find nothing."""

    is_row_security_active = False
    owner: str | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.cursor_factory = RlsCursor
        self.server_cursor_factory = RlsServerCursor

    @classmethod
    def open(cls, *arguments: Any, **options: Any) -> Coroutine[Any, Any, Self]:
        """Connect, for SQLAlchemy's pool, which waits in a greenlet.

        Raises:
            MissingGreenlet: it is not in one; said before there is a coroutine that nobody would await.
        """
        if not in_greenlet():
            raise MissingGreenlet("A connection is opened in a greenlet.")
        return cls.connect(*arguments, **options)

    async def execute_fetchall(self, query: str, values: Sequence[Any]) -> list[TupleRow]:
        """Execute, and return all rows: the call that a `SqliteConnection` has as well."""
        if not self.autocommit:  # psycopg begins the transaction with its first statement
            cursor = self.cursor()
            await cursor.execute(query, values)
            return await cursor.fetchall()
        if self.is_row_security_active:
            return await self.execute_pipeline(self.set_owner_query, (query, values))
        return await self.execute_pipeline((query, values))

    async def wait(self, gen: PQGen[ResultT], *arguments: Any, **options: Any) -> ResultT:
        """Wait for what psycopg itself has asked; on somebody's behalf no longer than for a flight.

        Raises:
            psycopg.Error: the server's, or one that has no `sqlstate`: then the connection is closed.
        """
        if self.owner is not None:  # a command may take its time
            options.setdefault("timeout", self.response_timeout)
        try:
            return await super().wait(gen, *arguments, **options)
        except psycopg.errors.PipelineAborted:
            raise  # after an error of the server's, with which the connection goes on
        except psycopg.OperationalError as error:
            if error.sqlstate is None:
                self.pgconn.finish()
            raise

    @property
    def needs_owner_setting(self) -> bool:
        """Whether a statement needs the owner. In a transaction that has failed none does: it can only go back."""
        return self.is_row_security_active and self.pgconn.transaction_status != TransactionStatus.INERROR

    @property
    def set_owner_query(self) -> Query:
        """What sets the owner for the rest of the transaction, which outside of one ends with the flight."""
        return _SET_OWNER, (self.owner or "",)


class RlsCursor(AsyncRawCursor[TupleRow]):
    """A cursor that says so with each statement, where policies apply."""

    async def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """Execute, in one flight with the owner."""
        connection = cast("RlsConnection", self.connection)
        if not connection.needs_owner_setting:
            return await super().execute(query, params, **options)
        async with connection.pipeline():
            await AsyncRawCursor(connection).execute(*connection.set_owner_query)
            await super().execute(query, params, **options)
        return self

    async def executemany(self, query: Any, params_seq: Any, *, returning: bool = False) -> None:
        """Execute for several rows, in one flight with the owner."""
        connection = cast("RlsConnection", self.connection)
        if not connection.needs_owner_setting:
            await super().executemany(query, params_seq, returning=returning)
            return
        async with connection.pipeline():
            await AsyncRawCursor(connection).execute(*connection.set_owner_query)
            await super().executemany(query, params_seq, returning=returning)


class RlsServerCursor(AsyncRawServerCursor[TupleRow]):
    """The same for a stream, which is within a transaction: the owner goes ahead, in a flight of its own."""

    async def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """Open the stream, after the owner is set."""
        connection = cast("RlsConnection", self.connection)
        if connection.needs_owner_setting:
            await AsyncRawCursor(connection).execute(*connection.set_owner_query)
        return await super().execute(query, params, **options)


def set_up_connections(engine: AsyncEngine) -> None:
    """Let each new connection speak UTC, and find out whether policies apply to its role and whether it is direct.

    When it is free it forgets its owner. The time zone is one of the settings that PgBouncer keeps for its clients in
    transaction mode.
    """

    @event.listens_for(engine.sync_engine, "connect")
    def _on_connect(connection: Any, _: ConnectionPoolEntry) -> None:
        driver, cursor = connection.driver_connection, connection.cursor()
        driver.owner = ""  # a server that is silent from now on is not waited for without an end
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
    """Let what is executed on this connection from now on be on behalf of the owner."""
    driver = connection.driver_connection
    if isinstance(driver, RlsConnection):
        driver.owner = owner

"""Row level security: each statement is sent with its owner's id, where policies apply to the role."""

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

# `set_config(..., is_local => true)` sets the owner for the transaction, in one pipeline with the statement. So a
# statement is one round trip, and no owner remains on the connection, also with a pooler in transaction mode.
OWNER_SETTING: Final = "app.user_id"
_SET_OWNER: Final = f"SELECT set_config('{OWNER_SETTING}', $1, true)"
_SET_UP: Final = """
    SELECT set_config('TimeZone', 'UTC', false), coalesce(bool_or(row_security_active(oid)), false), pg_backend_pid()
    FROM pg_class
    WHERE relrowsecurity AND relkind IN ('r', 'p') AND pg_table_is_visible(oid)
"""
# All tables, also those that the role cannot use yet: it may get privileges while the connection is open.


class RlsConnection(PipelineConnection):
    """A connection with an owner. If `owner` is None, the policies allow no row."""

    is_row_security_active = False
    owner: str | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.cursor_factory = RlsCursor
        self.server_cursor_factory = RlsServerCursor

    @classmethod
    def open(cls, *arguments: Any, **options: Any) -> Coroutine[Any, Any, Self]:
        """Return the coroutine that connects; raise MissingGreenlet if SQLAlchemy's pool cannot await it."""
        if not in_greenlet():  # raised before the coroutine exists, because Python warns if none awaits it
            raise MissingGreenlet("A connection is opened in a greenlet.")
        return cls.connect(*arguments, **options)

    async def execute_fetchall(self, query: str, values: Sequence[Any]) -> list[TupleRow]:
        # `SqliteConnection` has the same method.
        if not self.autocommit:  # psycopg sends BEGIN with the first statement
            cursor = self.cursor()
            await cursor.execute(query, values)
            return await cursor.fetchall()
        if self.is_row_security_active:
            return await self.execute_pipeline(self.set_owner_query, (query, values))
        return await self.execute_pipeline((query, values))

    async def wait(self, gen: PQGen[ResultT], *arguments: Any, **options: Any) -> ResultT:
        # Closes the connection after an error of psycopg itself, because its state is unknown.
        if self.owner is not None:  # a command for all owners has no timeout
            options.setdefault("timeout", self.response_timeout)
        try:
            return await super().wait(gen, *arguments, **options)
        except psycopg.errors.PipelineAborted:
            raise  # it follows an error of the server; the connection is still usable
        except psycopg.OperationalError as error:
            if error.sqlstate is None:
                self.pgconn.finish()
            raise

    @property
    def needs_owner_setting(self) -> bool:
        # In a failed transaction the server accepts only ROLLBACK.
        return self.is_row_security_active and self.pgconn.transaction_status != TransactionStatus.INERROR

    @property
    def set_owner_query(self) -> Query:
        # It sets the owner for the transaction or, outside of a transaction, for the pipeline.
        return _SET_OWNER, (self.owner or "",)


class RlsCursor(AsyncRawCursor[TupleRow]):
    """A cursor that sets the owner before each statement, if policies apply."""

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
    """A server-side cursor, inside a transaction, that sets the owner in another round trip."""

    async def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        connection = cast("RlsConnection", self.connection)
        if connection.needs_owner_setting:
            await AsyncRawCursor(connection).execute(*connection.set_owner_query)
        return await super().execute(query, params, **options)


def set_up_connections(engine: AsyncEngine) -> None:
    """Set up each new connection: time zone UTC, whether policies apply to its role, and prepared statements."""
    event.listen(engine.sync_engine, "connect", _on_connect)
    event.listen(engine.sync_engine, "checkin", _on_checkin)


def _on_connect(connection: Any, _: ConnectionPoolEntry) -> None:
    # The time zone is set once for a connection: PgBouncer in transaction mode keeps it for each client.
    driver, cursor = connection.driver_connection, connection.cursor()
    driver.owner = ""  # not None, so that `wait` has a timeout
    cursor.execute(_SET_UP)
    _, driver.is_row_security_active, backend_pid = cursor.fetchone()
    cursor.close()
    driver.owner = None
    driver.prepare_if_direct(backend_pid)


def _on_checkin(connection: DBAPIConnection | None, _: ConnectionPoolEntry) -> None:
    # A connection in the pool has no owner.
    if connection is not None:
        connection.driver_connection.owner = None


def set_connection_owner(connection: PoolProxiedConnection, owner: str | None) -> None:
    """Set the owner for the next statements on this connection; SQLite needs none."""
    driver = connection.driver_connection
    if isinstance(driver, RlsConnection):
        driver.owner = owner

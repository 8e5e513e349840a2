"""The engine: how connections to the two databases are opened, pooled and verified.

In AUTOCOMMIT, so a single statement is one round trip and is committed when it returns. `.env.example` explains the
settings of the pool.
"""

import select
from typing import Any, Final, Literal

from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from app.core.data.connection.concurrency import limit_concurrency
from app.core.data.connection.libpq import check_options, with_hosts_as_options
from app.core.data.connection.rls import RlsConnection, set_up_connections
from app.core.data.connection.sqlite import SqliteConnection
from app.core.data.sql.dialects import POSTGRES_DRIVERNAME, SQLITE_DRIVERNAME
from app.settings import InvalidSettings, Settings

# Timeouts of libpq in seconds (tcp_user_timeout: milliseconds). Without them a dead network blocks for 15 minutes.
# tcp_user_timeout covers data that was sent and not acknowledged; the keepalives cover a wait for an answer.
_LIBPQ_DEFAULTS: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,
}
_SQLITE_POOL_SIZE: Final = 4  # each is a thread; more would only compete for SQLite's single write lock


def database_url(given: str, setting: str = "DATABASE_URL") -> URL:
    """Return the URL with this project's driver; everything else in it stays the same.

    Accepts `postgres://`, `postgresql://` and `sqlite://`, with any driver, and several hosts in libpq's form,
    `host1:5432,host2:5432`.

    Raises:
        InvalidSettings: it is no URL, or of another database, or has an option that libpq does not know.
    """
    try:
        url = make_url(with_hosts_as_options(given))
    except (ArgumentError, ValueError):  # ValueError: the port is no number
        raise InvalidSettings(f"{setting} is not a URL; it looks like postgresql://user:password@host/name") from None
    drivers = {"postgres": POSTGRES_DRIVERNAME, "postgresql": POSTGRES_DRIVERNAME, "sqlite": SQLITE_DRIVERNAME}
    driver = drivers.get(url.drivername.partition("+")[0])
    if driver is None:
        raise InvalidSettings(f"{setting} names a database that is not supported; use postgresql:// or sqlite://")
    if driver == SQLITE_DRIVERNAME and url.database in (None, "", ":memory:"):
        raise InvalidSettings(f"{setting} names no file; write sqlite:///path/to/app.db")
    url = url.set(drivername=driver)
    if url.get_backend_name() == "postgresql":
        check_options(url, setting)
    return url


def make_engine(settings: Settings) -> AsyncEngine:
    """Return an engine, which connects at its first use.

    Raises:
        InvalidSettings: the URL cannot be used.
    """
    is_direct = settings.database_url == settings.migration_database_url  # see owner_settings()
    setting = "MIGRATION_DATABASE_URL" if is_direct else "DATABASE_URL"
    url = database_url(settings.database_url.get_secret_value(), setting)
    is_sqlite = url.get_backend_name() == "sqlite"
    pool_size = _SQLITE_POOL_SIZE if is_sqlite else settings.database_pool_size
    engine = create_async_engine(
        url,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        hide_parameters=True,  # users' data does not belong in a log
        pool_size=pool_size,
        max_overflow=0 if is_sqlite else settings.database_max_overflow,
        pool_timeout=settings.database_pool_timeout,
        pool_recycle=-1 if is_sqlite else settings.database_pool_recycle,
        pool_use_lifo=True,
        connect_args=connect_args(url),
        paramstyle=paramstyle(url),
    )
    limit_concurrency(engine.sync_engine, pool_size, settings.database_pool_timeout)
    if is_sqlite:
        begin_immediately(engine.sync_engine)
    else:
        set_up_connections(engine)
        _verify_on_checkout(engine)
    return engine


def paramstyle(url: URL) -> Literal["qmark", "numeric_dollar"]:
    """Return the placeholder style that the database itself reads, so the driver does not rewrite the SQL."""
    return "qmark" if url.get_backend_name() == "sqlite" else "numeric_dollar"


def connect_args(url: URL) -> dict[str, Any]:
    """Return the driver's connect arguments; options in the URL override them."""
    if url.get_backend_name() == "sqlite":
        return {"async_creator_fn": SqliteConnection}
    return {"async_creator_fn": RlsConnection.open} | libpq_args(url)


def libpq_args(url: URL) -> dict[str, Any]:
    """Return psycopg's connect arguments: the timeouts, and no automatic prepared statements."""
    # Problem: psycopg prepares statements behind a pooler too. Behind an older PgBouncer, the name of a prepared
    # statement can belong to another client's statement, and return that client's rows. Decision: psycopg prepares
    # nothing; `prepared.py` does, on direct connections.
    limits = {name: value for name, value in _LIBPQ_DEFAULTS.items() if name not in url.query}
    return {"prepare_threshold": None} | limits


def begin_immediately(engine: Engine) -> None:
    """Start every SQLite transaction with BEGIN IMMEDIATE, which takes the write lock; read-only ones with BEGIN."""
    # A deferred transaction takes the write lock at its first write. It fails at once, without waiting for
    # busy_timeout, where another connection has written since its first read.

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("isolation_level") == "SERIALIZABLE":
            connection.exec_driver_sql("BEGIN" if options.get("reads_only") else "BEGIN IMMEDIATE")


def _verify_on_checkout(engine: AsyncEngine) -> None:
    # Problem: `pool_pre_ping` costs a round trip at every checkout. Decision: poll the socket, which costs a
    # microsecond. The server sends nothing on an idle connection, so a readable socket means that the server closed it,
    # or that the kernel did, because the keepalives were not answered.

    @event.listens_for(engine.sync_engine.pool, "checkout")
    def _checkout(connection: Any, _: ConnectionPoolEntry, __: Any) -> None:
        driver = connection.driver_connection
        if driver.closed or _is_readable(driver.fileno()):
            raise DisconnectionError("The server closed this connection.")


def _is_readable(descriptor: int) -> bool:
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(0))


def snapshot_of(engine: AsyncEngine) -> AsyncEngine:
    """Return the engine for a read-only session that sees a snapshot, taken at its first statement.

    It takes no lock that a writer waits for.
    """
    level = "SERIALIZABLE" if engine.dialect.name == "sqlite" else "REPEATABLE READ"
    return engine.execution_options(isolation_level=level, reads_only=True)

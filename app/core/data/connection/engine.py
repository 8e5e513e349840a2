"""The engine: it opens, pools and verifies the connections to either database."""

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
    """Return the URL with this project's driver.

    Accepts `postgres://`, `postgresql://` and `sqlite://`, with any driver, and several hosts as in libpq.

    Raises:
        InvalidSettings: the URL is invalid, or has an option that libpq does not know.
    """
    try:
        url = make_url(with_hosts_as_options(given))
    except (ArgumentError, ValueError):  # ValueError: the port is not a number
        raise InvalidSettings(f"{setting} is not a URL; it looks like postgresql://user:password@host/name") from None
    drivers = {"postgres": POSTGRES_DRIVERNAME, "postgresql": POSTGRES_DRIVERNAME, "sqlite": SQLITE_DRIVERNAME}
    driver = drivers.get(url.drivername.partition("+")[0])
    if driver is None:
        raise InvalidSettings(f"{setting} names a database that is not supported; use postgresql:// or sqlite://")
    url = url.set(drivername=driver)
    if driver == POSTGRES_DRIVERNAME:
        check_options(url, setting)
    elif url.database in (None, "", ":memory:"):
        raise InvalidSettings(f"{setting} names no file; write sqlite:///path/to/app.db")
    return url


def make_engine(settings: Settings) -> AsyncEngine:
    """Return an engine, which connects at its first use; raise InvalidSettings as `database_url` does."""
    is_direct = settings.database_url == settings.migration_database_url  # see owner_settings()
    setting = "MIGRATION_DATABASE_URL" if is_direct else "DATABASE_URL"
    url = database_url(settings.database_url.get_secret_value(), setting)
    pool = _pool_options(settings, url)
    engine = create_async_engine(
        url,
        isolation_level="AUTOCOMMIT",  # a statement is one round trip, and is committed when it returns
        skip_autocommit_rollback=True,
        hide_parameters=True,  # users' data does not belong in a log
        connect_args=connect_args(url),
        paramstyle=paramstyle(url),
        **pool,
    )
    limit_concurrency(engine.sync_engine, pool["pool_size"], pool["pool_timeout"])
    _add_listeners(engine)
    return engine


def _pool_options(settings: Settings, url: URL) -> dict[str, Any]:
    options = {"pool_timeout": settings.database_pool_timeout, "pool_use_lifo": True}
    if url.get_backend_name() == "sqlite":
        return options | {"pool_size": _SQLITE_POOL_SIZE, "max_overflow": 0, "pool_recycle": -1}
    return options | {
        "pool_size": settings.database_pool_size,
        "max_overflow": settings.database_max_overflow,
        "pool_recycle": settings.database_pool_recycle,
    }


def _add_listeners(engine: AsyncEngine) -> None:
    if engine.dialect.name == "sqlite":
        begin_immediately(engine.sync_engine)
    else:
        set_up_connections(engine)
        _verify_on_checkout(engine)


def paramstyle(url: URL) -> Literal["qmark", "numeric_dollar"]:
    """Return the database's own placeholder style, so the driver does not rewrite the SQL."""
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
    """Start every SQLite transaction with BEGIN IMMEDIATE, which takes the write lock; BEGIN if it is read-only."""
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
    # or the kernel did, because the keepalives got no answer.

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
    """Return the engine for read-only sessions, each on a snapshot that starts with its first statement."""
    # Writers do not wait for it.
    level = "SERIALIZABLE" if engine.dialect.name == "sqlite" else "REPEATABLE READ"
    return engine.execution_options(isolation_level=level, reads_only=True)

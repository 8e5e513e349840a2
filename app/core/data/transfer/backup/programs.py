"""Runs PostgreSQL's client programs with the connection parameters of the URL, and reports their first error."""

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

# libpq has no environment variable for these.
_SECRETS: Final = frozenset({"sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret"})
# Without tcp_user_timeout, which would end a restore while the server runs a long script.
_LIMITS: Final = ("connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count")
_ERROR: Final = re.compile(r".*(?:error|ERROR|FATAL): +(.*)")
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")


class ClientPrograms:
    """The client programs, for one database; each method raises BackupFailed if the program is missing or fails."""

    def __init__(self, url: URL) -> None:
        # The password is passed in the environment: other users of the machine can read a command line.
        _, options = url.get_dialect()().create_connect_args(url)
        if secrets := sorted(_SECRETS & options.keys()):
            raise InvalidSettings(
                f"the database's URL has {secrets[0]}, which PostgreSQL's programs accept only on the command line,"
                " where other users can read it; connect with a password, or with a key that has none"
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
            _raise_failure(name, ended.returncode, errors)

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
            _raise_failure(name, process.returncode, errors)

    @contextmanager
    def feed(self, name: str, *arguments: str | Path) -> Iterator[IO[bytes]]:
        """Run a program that connects to the database, and yield its standard input; wait for it after the block."""
        with TemporaryFile() as errors:
            command = [find_program(name), *self._connect, *arguments]
            with subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors, env=self._environment
            ) as process:
                assert process.stdin is not None, "it is a pipe"  # noqa: S101
                with suppress(BrokenPipeError), process.stdin:  # if it ends early, its error is raised below
                    yield process.stdin
            _raise_failure(name, process.returncode, errors)


def find_program(name: str) -> str:
    """Return the path of a program; BackupFailed if it is missing."""
    found = shutil.which(name)
    if found is None:
        raise BackupFailed(
            f"{name} is not on PATH; install the client programs of PostgreSQL (postgresql-client), or use"
            " `app dumpdata` and `app loaddata`, which need none"
        )
    return found


def major_version(name: str) -> int:
    """Return the major version of a program, 0 if it is unknown; BackupFailed if the program is missing."""
    answer = subprocess.run(  # noqa: S603
        [find_program(name), "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    found = _VERSION.search(answer.stdout)
    return int(found[1]) if found else 0


def _raise_failure(name: str, code: int, errors: IO[bytes]) -> None:
    if code:
        errors.seek(0)
        raise BackupFailed(f"{name} failed: {_first_error(errors.read().decode(errors='replace'))}")


def _first_error(output: str) -> str:
    found = _ERROR.search(output)
    return found[1] if found else output.strip().partition("\n")[0] or "it gave no reason"

"""`app run` as the process that it is, for tests about processes: started, waited for, and told to stop."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import httpx

from app.settings import BASE_DIR
from app.testing.databases import SECRET

PATIENCE: Final = 30  # seconds for what takes three
BARE: Final = {"PATH": os.environ["PATH"], "PYTHON_DOTENV_DISABLED": "1"}  # an environment without settings
NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # a default one reads all certificates, for each client


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment_of(**settings: str) -> dict[str, str]:
    """Return an environment that has these settings, a secret, and nothing of ours."""
    return BARE | {"APP_ENV": "development", "BETTER_AUTH_SECRET": SECRET} | settings


def start(*arguments: str, log: IO[str] | int = subprocess.PIPE, **environment: str) -> subprocess.Popen[str]:
    """Start `app run` with this environment and nothing of ours; what it does not say stays as it is by default."""
    return _start("app", "run", *arguments, log=log, **environment)


def _start(module: str, *arguments: str, log: IO[str] | int, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # our own command
        [sys.executable, "-m", module, *arguments],
        cwd=BASE_DIR,
        env=environment_of(**environment),
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )


def wait_until_served(process: subprocess.Popen[str], url: str) -> httpx.Response | None:
    """Return the first answer; None if the process has ended without one."""
    deadline = time.monotonic() + PATIENCE
    with httpx.Client(verify=NO_TLS) as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                return client.get(url)
            except httpx.TransportError:
                time.sleep(0.05)
    return None


class Server:
    """A running `app run`: where it answers, and its process."""

    def __init__(self, process: subprocess.Popen[str], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._log = log

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self._log.read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def serving(database_url: str, log: Path, *arguments: str, **environment: str) -> Iterator[Server]:
    """Serve on a free port while the block runs; the log goes to a file, because nobody would empty a pipe."""
    port = free_port()
    with (
        log.open("w") as file,
        start("--port", str(port), *arguments, log=file, DATABASE_URL=database_url, **environment) as process,
    ):
        yield from _served(process, port, log)


@contextmanager
def serving_module(module: str, database_url: str, log: Path, *arguments: str, **environment: str) -> Iterator[Server]:
    """The same for a program of the tests' own: its first argument is the port."""
    port = free_port()
    with (
        log.open("w") as file,
        _start(module, str(port), *arguments, log=file, DATABASE_URL=database_url, **environment) as process,
    ):
        yield from _served(process, port, log)


def _served(process: subprocess.Popen[str], port: int, log: Path) -> Iterator[Server]:
    try:
        assert wait_until_served(process, f"http://127.0.0.1:{port}/health"), log.read_text()
        yield Server(process, port, log)
    finally:
        process.terminate()

"""A library: nouns that only tests have, with every kind of field and rule that a noun can have.

It runs in a process of its own, one for all databases and all workers, because a mapped class never goes away again.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Final, NamedTuple

from app.settings import BASE_DIR


class Answer(NamedTuple):
    """What came back; `body` is the JSON in it, None where there is none."""

    status: int
    headers: dict[str, str]
    body: Any


class Said(NamedTuple):
    """What a command wrote, and how it ended."""

    exit_code: int
    stdout: str
    stderr: str


Say = Callable[..., Any]
"""Says something to the process, and returns what it answers."""


class Library:
    """The application with these nouns, on a migrated database, to which the owner of its tables adds theirs."""

    def __init__(self, say: Say, url: str, owner_url: str) -> None:
        self._say = say
        self._owner_url = owner_url
        self._number = say("serve", url, owner_url)

    def ask(
        self, method: str, path: str, body: object = None, user: str = "alice", headers: dict[str, str] | None = None
    ) -> Answer:
        """Send a request of a user's, and return what comes back."""
        return Answer(*self._say("ask", self._number, [method, path, body, user, headers]))

    def ask_text(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        """Send a request of alice, and return the status and the body as it came."""
        status, text = self._say("ask_text", self._number, [method, path, body])
        return status, text

    def broken_rules(self, about: str = "") -> list[str]:
        """Return what breaks the contract, or the rules of one of its modules."""
        return list(self._say("broken_rules", self._number, self._owner_url, about))

    def do(self, name: str, *words: object, user: str = "alice") -> Any:
        """Call a function of the module of the nouns, in a session of a user's."""
        return self._say("do", self._number, user, name, *words)

    def document(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        return dict(self.ask("GET", "/schema/openapi.json").body)


_RUN: Final = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))  # the same in all workers of a run


@contextmanager
def library_process(nouns: str = "nouns") -> Iterator[Say]:
    """Say something to the process with the nouns of one of the modules here, while the block runs.

    All workers of a run share the process, since its start takes two seconds: the first worker that needs it starts it,
    and it ends with its last connection.
    """
    path = Path(gettempdir(), f"litestead-{_RUN}-{nouns}")
    with ExitStack() as stack:
        with _one_at_a_time():
            connection = _connect(path)
            if connection is None:
                stack.enter_context(_started(nouns, path))
                connection = _connect(path)
        assert connection, "the library's process has not started"
        with connection, connection.makefile("rw") as lines:

            def say(*words: object) -> Any:
                print(json.dumps(words), file=lines, flush=True)
                answer = lines.readline()
                assert answer, "the library's process has ended"
                return json.loads(answer)

            yield say
            connection.shutdown(socket.SHUT_WR)
            lines.read()  # until its applications are closed: their databases may go then


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with Path(__file__).open() as lock:
        flock(lock, LOCK_EX)
        yield


def _connect(path: Path) -> socket.socket | None:
    """Return a connection to the process, or None if none answers."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(path))
        if connection.recv(1):  # it greets: it knows of us, and does not end now
            return connection
    except OSError:
        pass
    connection.close()
    return None


@contextmanager
def _started(nouns: str, path: Path) -> Iterator[None]:
    """Start the process, and wait for its end after the block."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.library", f"{__name__}.{nouns}"], stdin=listener.fileno(), cwd=BASE_DIR
        )
    with process:
        yield
    path.unlink(missing_ok=True)

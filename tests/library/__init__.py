"""A library: nouns that only tests have, with every kind of field and rule that a noun can have.

It runs in a process of its own, because a mapped class never goes away again.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from app.settings import BASE_DIR


class Answer(NamedTuple):
    """What came back; `body` is the JSON in it, None where there is none."""

    status: int
    headers: dict[str, str]
    body: Any


class Library:
    """The application with these nouns, on a database of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(
        self, method: str, path: str, body: object = None, user: str = "alice", headers: dict[str, str] | None = None
    ) -> Answer:
        """Send a request of a user's, and return what comes back."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([method, path, body, user, headers]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the library's process has ended"
        return Answer(*json.loads(answer))

    def document(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        return dict(self.ask("GET", "/schema/openapi.json").body)


@contextmanager
def open_library(database_url: str, owner_url: str) -> Iterator[Library]:
    """Start the application on a migrated database, to which the tables are added by the role that owns the others."""
    command = [sys.executable, "-m", "tests.library", database_url, owner_url]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=BASE_DIR) as process:
        yield Library(process)  # the end of the block closes the pipe, and that ends the process

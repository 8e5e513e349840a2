"""A library: nouns that only tests have, with every kind of field and rule that a noun can have.

It runs in a process of its own, one for all databases, because a mapped class never goes away again.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

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

    def broken_rules(self) -> list[str]:
        """Return what breaks the contract."""
        return list(self._say("broken_rules", self._number, self._owner_url))

    def do(self, name: str, *words: object, user: str = "alice") -> Any:
        """Call a function of the module of the nouns, in a session of a user's."""
        return self._say("do", self._number, user, name, *words)

    def document(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        return dict(self.ask("GET", "/schema/openapi.json").body)


@contextmanager
def library_process(nouns: str = "nouns") -> Iterator[Say]:
    """Run the process that serves all libraries, with the nouns of one of the modules here, while the block runs."""
    command = [sys.executable, "-m", "tests.library", f"{__name__}.{nouns}"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=BASE_DIR) as process:

        def say(*words: object) -> Any:
            assert process.stdin
            assert process.stdout
            print(json.dumps(words), file=process.stdin, flush=True)
            answer = process.stdout.readline()
            assert answer, "the library's process has ended"
            return json.loads(answer)

        yield say  # the end of the block closes the pipe, and that ends the process

"""Django as an oracle: its ORM and django-filter answer the same questions about the same tables.

It runs in a process of its own, because its settings and models are global.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from app.settings import BASE_DIR

Ask = Callable[[str, Sequence[tuple[str, str]]], list[int]]
"""Return the ids of the books of a user for the parameters of a query."""


@contextmanager
def django_process(url: str) -> Iterator[Ask]:
    """Run Django on a database while the block runs."""
    command, pipe = [sys.executable, "-m", __name__, url], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=BASE_DIR) as process:

        def ask(user: str, query: Sequence[tuple[str, str]]) -> list[int]:
            assert process.stdin
            assert process.stdout
            print(json.dumps([user, query]), file=process.stdin, flush=True)
            answer = process.stdout.readline()
            assert answer, "Django's process has ended"
            found = json.loads(answer)
            assert isinstance(found, list), found  # else it is what is wrong with the query
            return found

        assert ask("nobody", []) == []
        yield ask  # the end of the block closes the pipe, and that ends the process

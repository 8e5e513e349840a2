"""A database that accepts a connection and says nothing: every command gives up on it within seconds."""

import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest

from app.__main__ import COMMANDS
from app.settings import BASE_DIR
from tests.parts.serving import environment_of, free_port

GIVES_UP_WITHIN: Final = 10.0  # seconds, of which three are for imports on a machine that is busy
ARGUMENTS: Final = {
    "run": ["run", "--port", str(free_port())],
    "migrate": ["migrate"],
    "check": ["check", "--deploy"],
    "shell": ["shell"],
    "seed": ["seed", "--yes"],
    "dumpdata": ["dumpdata"],
    "loaddata": ["loaddata", "/dev/null"],
    "backup": ["backup", "/dev/null"],
    "restore": ["restore", __file__, "--yes"],
    "user": ["user", "export", "alice"],
}
ASK_NO_DATABASE: Final = {"makemigrations", "startapp", "token", "check-token", "routes", "schema"}


def call(arguments: list[str], port: int) -> tuple[float, int, str]:
    """Return how long it took, the exit code, and what it said."""
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=BASE_DIR,
        env=environment_of(DATABASE_URL=f"postgresql://app:secret@127.0.0.1:{port}/app"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return time.monotonic() - began, ended.returncode, ended.stdout + ended.stderr


def test_every_command_is_tried_or_asks_no_database() -> None:
    assert ARGUMENTS.keys() | ASK_NO_DATABASE == COMMANDS.keys()


@pytest.mark.slow
def test_every_command_gives_up() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent, ThreadPoolExecutor(2) as callers:
        port = silent.getsockname()[1]
        ended = dict(zip(ARGUMENTS, callers.map(lambda each: call(each, port), ARGUMENTS.values()), strict=True))

    assert {name: seconds for name, (seconds, _, _) in ended.items() if seconds > GIVES_UP_WITHIN} == {}
    for name, (_, code, said) in ended.items():
        assert code == 1, f"{name}: {said}"
        assert "cannot be reached" in said
        assert "Traceback" not in said

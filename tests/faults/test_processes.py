"""Processes: one that hangs is replaced, none outlives its parent, and a stop has an end."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import httpx
import pytest

from app.settings import BASE_DIR
from app.testing.databases import SqliteDatabases
from tests.parts.hanging import ENDS_WITHIN
from tests.parts.serving import NO_TLS, Server, environment_of, serving_module

WORKERS = 2
REPLACED_WITHIN = 15  # seconds
STARTED = "Application startup complete"

pytestmark = pytest.mark.slow


class ServeHanging(Protocol):
    """Serves the application that has handlers which hang."""

    def __call__(self, name: str, workers: int = WORKERS) -> Server: ...


@pytest.fixture
def serve(sqlite_databases: SqliteDatabases, tmp_path: Path) -> Iterator[ServeHanging]:
    with ExitStack() as stack:

        def start(name: str, workers: int = WORKERS) -> Server:
            served = serving_module(
                "tests.parts.hanging", sqlite_databases.fresh(), tmp_path / f"{name}.log", str(workers)
            )
            server = stack.enter_context(served)
            while server.log.count(STARTED) < workers:
                time.sleep(0.1)
            return server

        yield start


def workers_of(server: Server) -> set[int]:
    """Return the processes of the workers."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    return set(map(int, children.split()))


def lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until(condition: object, seconds: float) -> float:
    """Wait until a condition holds, and return how long it took."""
    began = time.monotonic()
    assert callable(condition)
    while not condition():
        assert time.monotonic() - began < seconds, "this does not come"
        await asyncio.sleep(0.1)
    return time.monotonic() - began


async def hang(server: Server, path: str) -> None:
    """Ask for what never comes."""
    async with httpx.AsyncClient(base_url=server.url, verify=NO_TLS, timeout=0.5) as client:
        with pytest.raises(httpx.TimeoutException):
            await client.get(path)


async def is_well(server: Server) -> bool:
    """Tell whether every worker answers, by asking more often than there are workers."""
    async with httpx.AsyncClient(verify=NO_TLS, timeout=5) as client:
        answers = [await client.get(f"{server.url}/health", headers={"Connection": "close"}) for _ in range(20)]
    return all(answer.status_code == 200 for answer in answers)


async def replaced(server: Server, path: str, said: str) -> None:
    """Let a worker hang, and assert that another one takes its place in time."""
    before = workers_of(server)
    await hang(server, path)
    took = await until(lambda: workers_of(server) - before and len(workers_of(server)) == WORKERS, REPLACED_WITHIN)
    await until(lambda: server.log.count(STARTED) == WORKERS + 1, REPLACED_WITHIN - took)

    assert re.search(said, server.log, re.DOTALL), server.log
    assert re.search(r"WARNING - worker \[\d+\] exited: (exit code 70|SIG\w+)", server.log)
    assert await is_well(server)


async def test_a_worker_that_hangs_is_replaced_and_its_stack_is_logged(serve: ServeHanging) -> None:
    cases = {
        "loop": r"ERROR - the event loop has been blocked for 8 s; its stack:\n.*hang_in_a_loop",
        "sleep": r"ERROR - the event loop has been blocked for 8 s; its stack:\n.*hang_asleep",
        "lock": r"hangs; killing it.*Fatal Python error: Aborted.*hang_with_the_lock",
    }
    servers = {name: serve(name) for name in cases}

    await asyncio.gather(*(replaced(server, f"/hang/{name}", cases[name]) for name, server in servers.items()))


async def test_a_worker_that_is_stopped_is_replaced(serve: ServeHanging) -> None:
    server = serve("stopped")
    stopped = workers_of(server).pop()
    os.kill(stopped, signal.SIGSTOP)

    await until(lambda: stopped not in workers_of(server) and len(workers_of(server)) == WORKERS, REPLACED_WITHIN)
    assert "exited: SIGKILL" in server.log


async def test_a_worker_that_a_signal_without_a_name_has_ended_is_replaced(serve: ServeHanging) -> None:
    server = serve("signal")
    ended = workers_of(server).pop()
    os.kill(ended, 40)

    await until(lambda: ended not in workers_of(server) and len(workers_of(server)) == WORKERS, REPLACED_WITHIN)
    assert "exited: signal 40" in server.log


async def test_without_workers_the_process_ends_so_that_its_manager_starts_another(serve: ServeHanging) -> None:
    server = serve("alone", 1)
    await hang(server, "/hang/loop")

    assert await asyncio.to_thread(server.process.wait, REPLACED_WITHIN) == 70
    assert "the event loop has been blocked" in server.log


@pytest.mark.parametrize("path", ["/health", "/slow", "/hang/sleep"])
async def test_workers_end_when_their_parent_is_killed(serve: ServeHanging, path: str) -> None:
    server = serve("orphans")
    workers = workers_of(server)
    assert len(workers) == WORKERS
    if path != "/health":
        await hang(server, path)
    server.process.kill()

    await until(lambda: not any(map(lives, workers)), ENDS_WITHIN + 4)


@pytest.mark.parametrize("workers", [1, WORKERS])
@pytest.mark.parametrize("path", ["/slow", "/hang/loop", "/hang/sleep"])
async def test_a_stop_ends_within_its_limit(serve: ServeHanging, workers: int, path: str) -> None:
    server = serve("stop", workers)
    await hang(server, path)
    processes = {server.process.pid, *workers_of(server)}
    began = time.monotonic()
    await asyncio.to_thread(server.stop)

    assert time.monotonic() - began < ENDS_WITHIN + 3
    assert not any(map(lives, processes))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_has_the_same_limit_while_workers_are_replaced(serve: ServeHanging, number: int) -> None:
    server = serve("replacing")
    await asyncio.gather(*(hang(server, "/slow") for _ in range(10)))
    server.process.send_signal(signal.SIGHUP)
    await until(lambda: server.log.count(STARTED) > WORKERS, REPLACED_WITHIN)
    await asyncio.sleep(0.5)
    processes = {server.process.pid, *workers_of(server)}
    began = time.monotonic()
    server.process.send_signal(number)
    await asyncio.to_thread(server.process.wait, 30)

    assert time.monotonic() - began < ENDS_WITHIN + 3
    assert not any(map(lives, processes))


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(
            [b"GET /schema/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"] * 3000, id="a client that does not read"
        ),
        pytest.param([b"POST /api/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"], id="a body that dawdles"),
        pytest.param([b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"], id="a slow answer"),
        pytest.param([b"GET / HT"], id="half a head"),
        pytest.param([], id="nothing"),
    ],
)
async def test_no_client_delays_a_stop_beyond_its_limit(serve: ServeHanging, parts: list[bytes]) -> None:
    server = serve("held", 1)
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.writelines(parts)
    await asyncio.sleep(0.5)
    began = time.monotonic()
    await asyncio.to_thread(server.stop)

    assert time.monotonic() - began < ENDS_WITHIN + 1
    writer.close()


def test_an_application_that_cannot_start_ends_all() -> None:
    program = (
        "import sys\n"
        "from app.core.ops.server.serving_process import ServerOptions\n"
        "from app.core.ops.server.sockets import bind\n"
        "from app.core.ops.server.supervisor import Supervisor\n"
        "sys.exit(Supervisor(ServerOptions(app='no.such:thing'), [bind('127.0.0.1', 0)], 2).run())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        cwd=BASE_DIR,
        env=environment_of(),
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert ended.returncode == 3
    assert "the application cannot start" in ended.stderr

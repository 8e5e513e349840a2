"""SIGTERM: a process drains, whoever has asked is answered, and it ends."""

import asyncio
import signal
import time

import httpx
import pytest

from app.testing.databases import SqliteDatabases
from tests.faults.conftest import Serve
from tests.faults.load import under_load
from tests.parts.serving import NO_TLS, Server

IMPATIENT = 30


async def ask_without_a_pause(server: Server) -> str:
    """Ask on one connection until the server says that it closes it; return what is wrong with how it ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        while True:
            writer.write(b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readuntil(b"}")
            if b"connection: close" in head:
                return ""
    except (OSError, asyncio.IncompleteReadError) as error:
        return repr(error)
    finally:
        writer.close()


@pytest.mark.slow
async def test_requests_in_progress_are_answered_before_the_process_ends(
    sqlite_databases: SqliteDatabases, serve: Serve
) -> None:
    url = sqlite_databases.fresh()
    server = serve(url)

    async with under_load(server.url) as load:
        impatient = [asyncio.create_task(ask_without_a_pause(server)) for _ in range(IMPATIENT)]
        await load.more(20)
        exit_code = await asyncio.to_thread(server.stop)

    assert exit_code == 0
    assert {await one for one in impatient} == {""}
    load.check(url)
    assert load.failures == []


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_process_says_that_it_ends_and_serves_on_before_it_does(
    sqlite_databases: SqliteDatabases, serve: Serve, workers: str
) -> None:
    server = serve(sqlite_databases.fresh(), "--workers", workers, DRAIN_SECONDS="3")
    async with httpx.AsyncClient(base_url=server.url, verify=NO_TLS) as client:
        assert (await client.get("/health")).headers.get("connection") is None
        server.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(1)
        ready, health = await client.get("/health/ready"), await client.get("/health")

    assert (ready.status_code, ready.json()) == (503, {"detail": "This process is shutting down"})
    assert (health.status_code, health.headers["connection"]) == (200, "close")
    assert await asyncio.to_thread(server.process.wait, 10) == 0


@pytest.mark.slow
async def test_an_interrupt_does_not_wait(sqlite_databases: SqliteDatabases, serve: Serve) -> None:
    server = serve(sqlite_databases.fresh(), DRAIN_SECONDS="10")
    began = time.monotonic()

    assert await asyncio.to_thread(server.stop, signal.SIGINT) == 0
    assert time.monotonic() - began < 5

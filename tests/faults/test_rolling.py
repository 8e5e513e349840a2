"""A rolling restart of two instances behind nginx: no request fails, also while somebody uploads slowly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from app.core.auth.tokens import issue_token
from app.testing.databases import SECRET
from tests.faults.load import under_load
from tests.parts.cluster import Cluster
from tests.parts.nginx import in_front_of, needs_nginx
from tests.parts.serving import NO_TLS, Server, free_port, start, wait_until_served

REQUESTS = 3000
ALICE = {"Authorization": f"Bearer {issue_token('alice', SECRET.encode(), 3600)}", "Content-Type": "application/json"}


class Instance:
    """One of the two: it is always on the same port."""

    def __init__(self, database_url: str, log: Path) -> None:
        self.port = free_port()
        self._database_url = database_url
        self._log = log
        self.server: Server

    def start(self) -> None:
        """Start it, and return when it is ready."""
        with self._log.open("a") as file:
            process = start(
                *("--port", str(self.port), "--workers", "2"),
                log=file,
                DATABASE_URL=self._database_url,
                DATABASE_POOL_SIZE="5",
                DRAIN_SECONDS="1",
            )
        assert wait_until_served(process, f"http://127.0.0.1:{self.port}/health/ready")
        self.server = Server(process, self.port, self._log)

    def stop(self) -> None:
        """Stop it, and return when it has ended."""
        assert self.server.stop() == 0
        assert self.server.process.stdout
        self.server.process.stdout.close()


async def upload_slowly(url: str, seconds: int) -> int:
    """Create a task with a body that takes its time, and return the status."""

    async def body() -> AsyncIterator[bytes]:
        yield b'{"title":'
        for _ in range(seconds * 10):
            yield b" "
            await asyncio.sleep(0.1)
        yield b'"slow"}'

    async with httpx.AsyncClient(verify=NO_TLS, timeout=60, headers=ALICE) as client:
        return (await client.post(f"{url}/api/tasks", content=body())).status_code


@pytest.mark.slow
@needs_nginx
async def test_a_rolling_restart_fails_no_request(cluster: Cluster, tmp_path: Path) -> None:
    database = cluster.fresh()
    instances = [Instance(database.url, tmp_path / f"log{number}") for number in range(2)]
    with ExitStack() as stack:
        for instance in instances:
            instance.start()
            stack.callback(instance.stop)
        url = stack.enter_context(in_front_of([instance.port for instance in instances], tmp_path))
        async with under_load(url) as load:
            for instance in instances:
                uploads = [asyncio.create_task(upload_slowly(url, 4)) for _ in range(2)]
                await load.more(300)
                await asyncio.to_thread(instance.stop)
                await asyncio.to_thread(instance.start)
                assert [await upload for upload in uploads] == [201, 201]
            await load.more(max(0, REQUESTS - len(load.answers)))

    assert load.failures == []
    assert len(load.answers) >= REQUESTS
    assert all("ERROR" not in instance.server.log for instance in instances)

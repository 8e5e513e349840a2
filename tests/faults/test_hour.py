"""An hour of use in a minute: at its end the server holds what it held at its beginning, and its log has no error."""

import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx
import psycopg
import pytest

from app.core.auth.tokens import issue_token
from app.testing.databases import SECRET
from tests.faults.load import USERS, under_load
from tests.parts.behind import PATHS
from tests.parts.cluster import Cluster, Database
from tests.parts.serving import NO_TLS, Server, serving_module

LASTS: Final = 60  # seconds
POOL: Final = 5
BURST: Final = 60  # requests at once
QUIET: Final = 1.5  # seconds: longer than a connection may live
ALICE: Final = {"Authorization": f"Bearer {issue_token(USERS[0], SECRET.encode(), 3600)}"}
# A restart that takes longer than the application waits for one, on a machine that is busy.
EXCUSED: Final = re.compile(r"the database is away|app\.access - ERROR - \S+ \S+ 503 ")

pytestmark = pytest.mark.slow


@pytest.fixture
def database(cluster: Cluster) -> Database:
    return cluster.fresh()


@pytest.fixture
def server(database: Database, tmp_path: Path) -> Iterator[Server]:
    settings = {"DATABASE_POOL_SIZE": str(POOL), "DATABASE_POOL_RECYCLE": "1", "DATABASE_MAX_OVERFLOW": "2"}
    with serving_module("tests.parts.behind", database.url, tmp_path / "log", **settings) as server:
        yield server


class Watch:
    """What the server holds, looked at again and again."""

    def __init__(self, server: Server, database: Database) -> None:
        self._descriptors = Path(f"/proc/{server.process.pid}/fd")
        self._database = database
        self.most_connections = 0

    def connections(self) -> int:
        """Count the application's connections to the database."""
        count = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND usename = %s"
        return int(self._database.execute(count, self._database.name, self._database.role)[0][0])

    def descriptors(self) -> int:
        """Count what the process has open, connections to the database apart."""
        return len(list(self._descriptors.iterdir())) - self.connections()

    async def look(self) -> None:
        """Keep the largest number of connections that stayed from one look to the next, until it is cancelled.

        One that the application has closed is counted until its backend has ended, which takes a moment.
        """
        last = 0
        while True:
            with suppress(psycopg.OperationalError):  # it is being restarted
                last, before = await asyncio.to_thread(self.connections), last
                self.most_connections = max(self.most_connections, min(last, before))
            await asyncio.sleep(0.5)


async def burst(client: httpx.AsyncClient, paths: tuple[str, ...]) -> list[int]:
    """Ask for many at once, and return the statuses; one in five hangs up before the answer."""

    async def ask(number: int) -> int:
        request = client.get(paths[number % len(paths)])
        if number % 5:
            return (await request).status_code
        try:
            return (await asyncio.wait_for(request, 0.005)).status_code
        except TimeoutError:
            return 200

    return await asyncio.gather(*map(ask, range(BURST)))


async def test_an_hour_of_requests_leaks_nothing(server: Server, database: Database, cluster: Cluster) -> None:
    watch = Watch(server, database)
    async with httpx.AsyncClient(base_url=server.url, headers=ALICE, timeout=30, verify=NO_TLS) as client:
        assert (await client.post("/api/tasks", json={"title": "one"})).status_code == 201
        await burst(client, ("/api/tasks", *PATHS))
    await asyncio.sleep(QUIET)
    before, until = watch.descriptors(), time.monotonic() + LASTS
    looking = asyncio.create_task(watch.look())
    statuses: set[int] = set()
    while time.monotonic() < until:
        async with httpx.AsyncClient(base_url=server.url, headers=ALICE, timeout=30, verify=NO_TLS) as client:
            for _ in range(3):
                statuses |= set(await burst(client, ("/api/tasks", *PATHS)))
                await asyncio.sleep(QUIET)
        async with under_load(server.url) as load:
            await asyncio.sleep(QUIET)
            await asyncio.to_thread(cluster.restart, "fast")
            await load.more(200)
        load.check(database.owner_url)
        assert load.hasty == []
    await asyncio.sleep(QUIET)
    assert looking.cancel()

    assert statuses == {200}
    assert watch.most_connections <= POOL + 2
    assert watch.connections() <= POOL
    assert watch.descriptors() <= before
    assert [line for line in server.log.splitlines() if " - ERROR - " in line and not EXCUSED.search(line)] == []
    assert "Traceback" not in server.log

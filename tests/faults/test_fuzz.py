"""Nearly right requests over raw sockets: no failure of ours, and nothing stays of them."""

import asyncio
import os
import re
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final

import httpx
import pytest

from app.core.auth.tokens import issue_token
from app.installed import INSTALLED
from app.testing.databases import SECRET, SqliteDatabases
from tests.faults.conftest import Serve
from tests.faults.mutations import mutated, requests_of
from tests.parts.serving import PATIENCE, Server

pytestmark = pytest.mark.slow

SECONDS: Final = 15.0  # of each of the two rounds; what is kept for good is there after the first
AT_ONCE: Final = 24
GROWTH: Final = 12  # MB, which is noise of the allocator
STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3}) [A-Z]")
OURS: Final = frozenset({500, 502, 503, 504})  # 501 and 505 are for methods and versions that there are not


class Process:
    """The server, as the system sees it."""

    def __init__(self, server: Server) -> None:
        self._folder = Path(f"/proc/{server.process.pid}")

    def descriptors(self) -> int:
        return len(list((self._folder / "fd").iterdir()))

    def megabytes(self) -> float:
        return int((self._folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def settled(self, descriptors: int) -> int:
        """Return how many descriptors there are when those of the clients have gone."""
        deadline = time.monotonic() + PATIENCE
        while self.descriptors() > descriptors and time.monotonic() < deadline:
            time.sleep(0.1)
        return self.descriptors()


async def converse(chance: Random, port: int, sent: bytes) -> bytes:
    """Send it in parts, and return what comes back until nothing more does; leave politely, or not."""
    said = b""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with suppress(OSError, TimeoutError):
        while sent:
            size = chance.choice((1, 7, 100, 100_000))
            writer.write(sent[:size])
            sent = sent[size:]
            await asyncio.sleep(chance.choice((0, 0, 0.001)))
            if reader.at_eof():
                break
        if chance.random() < 0.2:
            writer.write_eof()
        async with asyncio.timeout(0.3):
            while more := await reader.read(65_536):
                said += more
    writer.transport.abort() if chance.random() < 0.5 else writer.close()
    return said


async def fuzz(seed: int, port: int, requests: list[bytes]) -> Counter[int]:
    """Send for a while, from many connections, and return how often each status came."""
    came, deadline = Counter[int](), time.monotonic() + SECONDS

    async def client(number: int) -> None:
        chance = Random(f"{seed} {number}")  # noqa: S311  # no secret
        while time.monotonic() < deadline:
            sent = mutated(chance, requests)
            statuses = [int(status) for status in STATUS.findall(await converse(chance, port, sent))]
            assert not OURS & set(statuses), (seed, statuses, sent)
            came.update(statuses)

    await asyncio.gather(*map(client, range(AT_ONCE)))
    return came


@pytest.mark.parametrize("seed", [int(os.environ.get("FUZZ_SEED", "1"))])
def test_nearly_right_requests_do_no_harm(serve: Serve, sqlite_databases: SqliteDatabases, seed: int) -> None:
    server = serve(sqlite_databases.fresh())
    token = issue_token("fuzz", SECRET.encode(), 3600)
    requests = [request for resource in INSTALLED for request in requests_of(token, resource.path)]
    process = Process(server)
    before = process.descriptors()
    came = asyncio.run(fuzz(seed, server.port, requests))
    settled, size = process.settled(before + 8), process.megabytes()  # connections of the pool are files
    came += asyncio.run(fuzz(seed + 1, server.port, requests))

    assert process.settled(settled) <= settled
    assert process.megabytes() - size < GROWTH
    assert {200, 201, 400, 401, 404, 422} <= set(came), came  # it has come as far as it should
    assert httpx.get(f"{server.url}/api/tasks", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert [line for line in server.log.splitlines() if "ERROR" in line or "Traceback" in line] == []

"""Shared counts: exact between clients of one store, and in the process while there is none.

The store is a real one; where no server is installed these tests are left out.
"""

import asyncio
import logging
import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

import httpx
import pytest
from redis.asyncio import Redis

from app.core.auth.tokens import issue_token
from app.core.http.rate_limit import redis_store
from app.core.http.rate_limit.memory_store import MemoryStore
from app.core.http.rate_limit.redis_store import RedisStore
from app.testing.clients import Client
from app.testing.databases import SECRET
from tests.core.http.conftest import Make
from tests.parts.serving import NO_TLS, free_port, serving

SERVER: Final = shutil.which("redis-server") or shutil.which("valkey-server")

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.skipif(SERVER is None, reason="neither redis-server nor valkey-server is installed"),
]


@contextmanager
def storing(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A store on this port, once it can be reached."""
    process = subprocess.Popen(
        [str(SERVER), "--port", str(port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
    )
    try:
        while process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.01)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def unused_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    with storing(port := free_port()):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
async def pair(store: str) -> AsyncIterator[list[RedisStore]]:
    """Two clients, as two workers have them."""
    made = [RedisStore(url, MemoryStore()) for url in (store, store.replace("redis", "valkey"))]
    yield made
    for counts in made:
        await counts.aclose()


async def test_what_two_workers_count_is_one_count(pair: list[RedisStore]) -> None:
    hits = await asyncio.gather(*(pair[number % 2].hit("user:exact", 60) for number in range(100)))

    assert sorted(hit.hits for hit in hits) == list(range(1, 101))
    assert all(59 < hit.resets_in <= 60 for hit in hits)


async def test_many_requests_at_once_are_counted_exactly(
    make_app: Make, store: str, caplog: pytest.LogCaptureFixture
) -> None:
    callers = [Client(make_app(rate_limit="50/hour", rate_limit_storage=store), "many") for _ in range(2)]

    answers = await asyncio.gather(*(callers[number % 2].get("/api/tasks?zebra=1") for number in range(500)))

    assert Counter(answer.status_code for answer in answers) == {422: 50, 429: 450}
    assert "is away" not in caplog.text


async def test_one_connection_serves_all(pair: list[RedisStore], store: str) -> None:
    await asyncio.gather(*(pair[0].hit("user:one", 60) for _ in range(500)))
    async with Redis.from_url(store) as observer:
        connected = await observer.client_list()

    assert len(connected) <= 2 + 1


async def test_a_request_that_is_given_up_takes_nothing_from_the_others(pair: list[RedisStore]) -> None:
    hits = [asyncio.create_task(pair[0].hit("user:cancelled", 60)) for _ in range(10)]
    await asyncio.sleep(0)
    hits[3].cancel()
    counted = await asyncio.gather(*hits, return_exceptions=True)

    assert [type(hit).__name__ for hit in counted].count("Window") == 9
    assert (await pair[0].hit("user:cancelled", 60)).hits == 11


async def test_a_window_ends(pair: list[RedisStore]) -> None:
    assert [(await pair[0].hit("user:short", 1)).hits for _ in range(2)] == [1, 2]

    await asyncio.sleep(1.1)

    assert (await pair[1].hit("user:short", 1)).hits == 1


async def test_two_applications_have_one_limit(make_app: Make, store: str) -> None:
    callers = [Client(make_app(rate_limit="20/hour", rate_limit_storage=store), "shared-user") for _ in range(2)]

    answers = await asyncio.gather(*(callers[number % 2].get("/api/tasks?zebra=1") for number in range(60)))

    assert Counter(answer.status_code for answer in answers) == {422: 20, 429: 40}


@pytest.mark.slow
def test_two_workers_under_one_limit_let_as_many_through_as_one(store: str, tmp_path: Path) -> None:
    settings = {"RATE_LIMIT": "50/hour", "RATE_LIMIT_STORAGE": store}
    database, log = f"sqlite:///{tmp_path}/app.db", tmp_path / "log"
    headers = {"Authorization": f"Bearer {issue_token('carol', SECRET.encode(), 3600)}"}

    with serving(database, log, "--workers", "2", **settings) as server, ThreadPoolExecutor(20) as callers:
        # Each on a connection of its own, so that both workers get some.
        ask = partial(httpx.get, f"{server.url}/api/tasks", headers=headers, verify=NO_TLS)
        answers = list(callers.map(lambda _: ask(), range(150)))

    assert Counter(answer.status_code for answer in answers) == {200: 50, 429: 100}


async def test_while_the_store_is_away_the_process_counts_and_says_so_once(
    caplog: pytest.LogCaptureFixture, unused_port: int
) -> None:
    counts = RedisStore(f"redis://:hunter2@127.0.0.1:{unused_port}/0", MemoryStore())

    hits = await asyncio.gather(*(counts.hit("user:alice", 60) for _ in range(30)))

    assert sorted(hit.hits for hit in hits) == list(range(1, 31))
    told = [record.getMessage() for record in caplog.records if record.name == redis_store.__name__]
    assert told == ["RATE_LIMIT_STORAGE is away, each process counts for itself: ConnectionError"]
    await counts.aclose()
    assert "hunter2" not in caplog.text


async def test_a_store_that_is_back_counts_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, unused_port: int
) -> None:
    caplog.set_level(logging.INFO)
    clock = [1000.0]
    monkeypatch.setattr(redis_store, "monotonic", lambda: clock[0])
    counts = RedisStore(f"redis://127.0.0.1:{unused_port}/0", MemoryStore())
    with storing(unused_port):
        assert (await counts.hit("user:alice", 60)).hits == 1
    assert [(await counts.hit("user:alice", 60)).hits for _ in range(3)] == [1, 2, 3]

    with storing(unused_port):
        assert (await counts.hit("user:alice", 60)).hits == 4, "it is not asked at each request"
        clock[0] += redis_store.RETRY_AFTER
        assert [(await counts.hit("user:alice", 60)).hits for _ in range(2)] == [1, 2]
    await counts.aclose()

    told = [record.getMessage().partition(",")[0] for record in caplog.records if record.name == redis_store.__name__]
    assert told == ["RATE_LIMIT_STORAGE is away", "RATE_LIMIT_STORAGE is back"]


async def test_nobody_waits_for_a_store_that_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and never says a word
        counts = RedisStore(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", MemoryStore())

        numbers = [(await counts.hit("user:alice", 60)).hits for _ in range(50)]

        assert numbers == list(range(1, 51))
        await counts.aclose()
    assert len([record for record in caplog.records if record.name == redis_store.__name__]) == 1

"""SQLite under load: many writers at once, two processes on one file, and a process that is killed."""

import asyncio
import signal
import sqlite3

import pytest
from sqlalchemy import make_url

from app.testing.databases import SqliteDatabases
from tests.faults.conftest import Serve
from tests.faults.load import under_load

WRITERS = 16


def integrity_of(url: str) -> list[str]:
    connection = sqlite3.connect(str(make_url(url).database))
    try:
        return [row[0] for row in connection.execute("PRAGMA integrity_check")]
    finally:
        connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
async def test_no_writer_is_told_that_the_file_is_locked(
    workers: str, sqlite_databases: SqliteDatabases, serve: Serve
) -> None:
    url = sqlite_databases.fresh()

    async with under_load(serve(url, "--workers", workers).url, clients=WRITERS, writes=1) as load:
        await load.more(400)

    load.check(url)
    assert load.failures == []


@pytest.mark.slow
async def test_a_killed_process_loses_nothing_that_it_has_acknowledged(
    sqlite_databases: SqliteDatabases, serve: Serve
) -> None:
    url = sqlite_databases.fresh()
    server = serve(url)

    async with under_load(server.url, clients=WRITERS, writes=1) as load:
        await load.more(200)
        # In a thread, while the clients go on: otherwise all may have been answered when it is killed.
        assert await asyncio.to_thread(server.stop, signal.SIGKILL) == -signal.SIGKILL

    assert len(load.failures) > 0  # it was killed in the middle of something
    load.check(url, statuses={200, 201, None})
    assert integrity_of(url) == ["ok"]

"""The disk is full: a real one, of one megabyte, on which the tasks are."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from tempfile import TemporaryDirectory

import psycopg
import pytest

from tests.faults.conftest import Serve
from tests.faults.load import under_load
from tests.parts.cluster import Cluster, Database

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system"),
]


class Disk:
    """A file system in memory, and a database with its tasks on it."""

    def __init__(self, folder: str, database: Database) -> None:
        self._folder = folder
        self.database = database

    def fill(self) -> None:
        """Insert rows until not even one fits."""
        rows = "INSERT INTO tasks (user_id, title) SELECT 'filler', repeat('x', 200) FROM generate_series(1, %s)"
        for count in (500, 50, 1):
            with suppress(psycopg.errors.DiskFull), self.database.connect() as connection:
                while True:
                    connection.execute(rows, [count])

    def make_room(self) -> None:
        """Give it more megabytes."""
        subprocess.run(["/bin/mount", "-o", "remount,size=8m", self._folder], check=True)


@pytest.fixture
def disk(cluster: Cluster) -> Iterator[Disk]:
    """The tasks on a small disk; the server has let go of it before it is unmounted, or it could not run on."""
    database = cluster.fresh()
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="litestead-disk-"))
        subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)
        stack.callback(subprocess.run, ["/bin/umount", folder], check=True)
        os.chown(folder, cluster.user, -1)
        database.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
        stack.callback(database.execute, "DROP TABLESPACE small")
        database.execute("ALTER TABLE tasks SET TABLESPACE small")
        stack.callback(database.execute, "ALTER TABLE tasks SET TABLESPACE pg_default")
        yield Disk(folder, database)


async def test_a_full_disk_refuses_writes_and_serves_reads_until_there_is_room_again(disk: Disk, serve: Serve) -> None:
    async with under_load(serve(disk.database.url).url) as load:
        await asyncio.to_thread(disk.fill)
        await load.more(50, of=lambda answer: answer.status == 503)
        await load.more(100, of=lambda answer: answer.is_read and answer.is_success)
        await asyncio.to_thread(disk.make_room)
        await load.more(50, of=lambda answer: not answer.is_read and answer.is_success)

    load.check(disk.database.owner_url)
    assert [answer for answer in load.failures if answer.is_read or answer.is_unknown] == []

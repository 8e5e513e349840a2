"""The network between the application and its database: a door that can be closed, and a link that can go silent."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from typing import Final

import pytest
from sqlalchemy import make_url

from app.testing.counting import open_connection_to
from tests.parts.serving import PATIENCE, free_port

_IP: Final = shutil.which("ip") or shutil.which("ip", path="/usr/sbin:/sbin") or ""
can_cut_links: Final = pytest.mark.skipif(
    os.geteuid() != 0 or not _IP, reason="only root can cut a link, with iproute2"
)
HERE: Final = "10.213.7.1"
THERE: Final = "10.213.7.2"


class Door:
    """A way to the database that sleeps when it is told to, and wakes up some time after somebody has knocked.

    Like a serverless database: the idle connections are closed, the next ones are accepted and have to wait.
    """

    def __init__(self, database_url: str, host: str = "127.0.0.1", port: int = 0) -> None:
        self._upstream = make_url(database_url)
        self._address = (host, port)
        self._writers: list[asyncio.StreamWriter] = []
        self._awake = asyncio.Event()
        self._wakes_in = 0.0
        self._awake.set()
        self.url = ""

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["Door"]:
        """Listen while the block runs; `url` is the database's through this door."""
        server = await asyncio.start_server(self._connect, *self._address)
        host, port = server.sockets[0].getsockname()
        here = self._upstream.difference_update_query(["host"]).set(host=host, port=port)
        self.url = here.render_as_string(hide_password=False)
        try:
            yield self
        finally:
            server.close()
            self._close_all()

    def sleep(self, wakes_in: float) -> None:
        """Close all connections; the next one has to wait for so many seconds."""
        self._awake.clear()
        self._wakes_in = wakes_in
        self._close_all()

    def _close_all(self) -> None:
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._awake.is_set():
            asyncio.get_running_loop().call_later(self._wakes_in, self._awake.set)
            await self._awake.wait()
        with suppress(OSError):
            server_reader, server_writer = await open_connection_to(self._upstream)
            self._writers += [writer, server_writer]
            await asyncio.gather(_copy(reader, server_writer), _copy(server_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()


class Link:
    """A network of its own between the application and the database, as two ends of one cable. Only root can lay it.

    In the namespace at the far end a process forwards to the database's socket. A silent link is a route there that
    swallows every packet back: nothing is refused, nothing is closed, nothing is acknowledged.
    """

    def __init__(self, name: str, url: str) -> None:
        self._name = name
        self.url = url

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Swallow everything that comes from the database while the block runs."""
        _ip("-n", self._name, "route", "add", "blackhole", f"{HERE}/32")
        try:
            yield
        finally:
            _ip("-n", self._name, "route", "del", "blackhole", f"{HERE}/32")


@contextmanager
def link_to(database_url: str) -> Iterator[Link]:
    """Lay a link to a database while the block runs."""
    name = f"litestead-{free_port()}"
    with ExitStack() as stack:
        _ip("netns", "add", name)
        stack.callback(_ip, "netns", "del", name)  # and with it both ends
        _ip("link", "add", "litestead", "type", "veth", "peer", "name", "peer", "netns", name)
        _ip("address", "add", f"{HERE}/30", "dev", "litestead")
        _ip("link", "set", "litestead", "up")
        _ip("-n", name, "address", "add", f"{THERE}/30", "dev", "peer")
        _ip("-n", name, "link", "set", "peer", "up")
        arguments = [sys.executable, "-m", "tests.parts.network", database_url]
        forwarding = subprocess.Popen([_IP, "netns", "exec", name, *arguments], stdout=subprocess.PIPE, text=True)
        stack.enter_context(forwarding)
        stack.callback(forwarding.terminate)
        assert forwarding.stdout
        yield Link(name, forwarding.stdout.readline().strip())


def _ip(*arguments: str) -> None:
    subprocess.run([_IP, *arguments], check=True, timeout=PATIENCE)


async def _forward(database_url: str) -> None:
    async with Door(database_url, THERE).serve() as door:
        sys.stdout.write(f"{door.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_forward(sys.argv[1]))

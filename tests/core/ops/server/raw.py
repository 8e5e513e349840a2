"""Raw HTTP: bytes as they are sent over a socket, and what the server says to them before it hangs up."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import uvicorn

from app.core.ops.server.protocol import HttpProtocol

_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3})")


class Impatient(HttpProtocol):
    """The same, with limits that a test can wait for."""

    header_timeout = discard_timeout = send_timeout = linger_timeout = 0.1
    max_head_bytes = 4096
    max_discarded_bytes = 4096
    max_header_fields = 50


@asynccontextmanager
async def serving(
    app: Any, *, keep_alive: float = 0, protocol: type[HttpProtocol] = Impatient
) -> AsyncIterator[uvicorn.Server]:
    """Serve an ASGI application on a free port while the block runs."""
    config = uvicorn.Config(app, port=0, http=protocol, lifespan="off", log_config=None, proxy_headers=False)
    config.timeout_keep_alive = keep_alive  # type: ignore[assignment]  # a timer takes any number of seconds
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server
    finally:
        await server.shutdown()


@asynccontextmanager
async def connected(server: uvicorn.Server) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a connection."""
    reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    """Return what the server says before it hangs up, which it has to do by itself."""
    said = b""
    async with asyncio.timeout(5):
        with suppress(ConnectionError):
            while more := await reader.read(65_536):
                said += more
    return said


async def send(server: uvicorn.Server, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send parts, one after the other, until the server hangs up, and return what it says."""
    async with connected(server) as (reader, writer):
        answer = asyncio.create_task(until_closed(reader))
        for part in parts:
            writer.write(part)
            await asyncio.sleep(pause)
            if answer.done():
                break
        return await answer


def statuses(answer: bytes) -> list[int]:
    """Return the status of each answer."""
    return [int(status) for status in _STATUS.findall(answer)]


def assert_refusal(answer: bytes) -> None:
    """Assert that it ends with an error in the one form, whoever has answered."""
    head, _, body = answer.rpartition(b"\r\n\r\n")
    assert list(json.loads(body)) == ["detail"]
    for line in (b"content-type: application/json", b"content-length: %d" % len(body), b"cache-control: no-store"):
        assert line in head.rpartition(b"HTTP/1.1")[2].splitlines()

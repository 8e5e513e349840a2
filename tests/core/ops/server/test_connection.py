"""Connections: none is held by saying little, by reading nothing, or by being many."""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any, Final

import pytest
import uvicorn

from app.core.ops.server.protocol import HttpProtocol
from tests.core.ops.server.raw import Impatient, assert_refusal, connected, send, serving, statuses, until_closed

pytestmark = pytest.mark.any_database

GET: Final = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
POST: Final = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
CHUNKED: Final = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
MEDIUM: Final = 3_300_000  # bytes, a little more than that
LARGE: Final = 50_000_000  # bytes, more than the system keeps for a client that does not read


async def answer_at_once(scope: Any, _: Any, send: Any) -> None:
    """Read no body; /medium and /large are answers that are large, /slow one that takes its time."""
    if scope["path"] == "/slow":
        await asyncio.sleep(0.3)
    sizes = {"/large": LARGE, "/medium": MEDIUM}
    body = b"x" * sizes[scope["path"]] if scope["path"] in sizes else b"ok"
    length = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def server() -> AsyncIterator[uvicorn.Server]:
    """A server that lets an idle connection live for longer than a test."""
    async with serving(answer_at_once, keep_alive=5) as server:
        yield server


BEHIND_AN_ANSWER: Final = {
    "a line end": (GET % b"", [b"\r\n"]),
    "line ends without an end": (GET % b"", [b"\r\n"] * 100),
    "a byte of a head": (GET % b"", [b"G"]),
    "a head byte by byte": (GET % b"", [bytes([byte]) for byte in b"GET / HTTP/1.1\r\nHost: xxxxxxxxxxxxxxxxxxx"]),
    "a body that does not come": (POST, []),
    "a body byte by byte": (POST, [b" "] * 90),
    "chunks byte by byte": (CHUNKED, [b"1\r\n \r\n"] * 100),
    "half a chunk": (CHUNKED, [b"64\r\n "]),
    "half a trailer": (CHUNKED, [b"0\r\nX: "]),
    "a trailer byte by byte": (CHUNKED, [b"0\r\nX: ", *[b"y"] * 100]),
    "no HTTP": (CHUNKED, [b"zebra"]),
}


@pytest.mark.parametrize("case", BEHIND_AN_ANSWER)
async def test_nothing_behind_an_answer_keeps_a_connection(server: uvicorn.Server, case: str) -> None:
    request, parts = BEHIND_AN_ANSWER[case]
    began = time.monotonic()
    answer = await send(server, request, b"", *parts, pause=0.01)

    assert statuses(answer) == [200]
    assert time.monotonic() - began < 2
    await asyncio.sleep(0.15)
    assert not server.server_state.connections


async def test_a_connection_that_idles_is_kept(server: uvicorn.Server) -> None:
    async with connected(server) as (reader, writer):
        for _ in range(3):
            writer.write(GET % b"")
            assert await reader.readuntil(b"ok")
            await asyncio.sleep(2 * Impatient.header_timeout)


async def test_the_rest_of_a_body_is_read_and_the_connection_lives_on(server: uvicorn.Server) -> None:
    async with connected(server) as (reader, writer):
        writer.write(POST)
        assert await reader.readuntil(b"ok")
        writer.write(b" " * 100 + GET % b"")
        assert await reader.readuntil(b"ok")


async def test_an_answer_is_not_lost_with_the_rest_of_a_large_body(server: uvicorn.Server) -> None:
    """The client is still sending when the server has had enough: a reset would take the answer with it."""
    async with connected(server) as (reader, writer):
        writer.write(POST.replace(b"100", b"3000000"))
        for _ in range(300):
            writer.write(b" " * 10_000)
        assert statuses(await until_closed(reader)) == [200]


@pytest.mark.parametrize("trailer", [b"X: y\r\n", b"y" * 1000], ids=["many", "one"])
async def test_trailers_without_an_end_take_no_memory(trailer: bytes) -> None:
    async with serving(echo) as server:
        answer = await send(server, CHUNKED, b"0\r\nX: ", *[trailer] * 100, pause=0.001)

    assert statuses(answer) == [431]
    assert_refusal(answer)


@pytest.mark.parametrize("begin", [b"1;", b"0", b'1;a="'], ids=["an extension", "a size", "a value"])
async def test_a_chunk_header_without_an_end_takes_no_memory(begin: bytes) -> None:
    async with serving(echo) as server:
        answer = await send(server, CHUNKED, begin, *[b"0" * 1000] * 100, pause=0.001)

    assert statuses(answer) == [431]


async def echo(_: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


class Few(Impatient):
    """The same, with room for three."""

    max_connections = 3


async def test_a_new_connection_takes_the_place_of_the_one_that_has_waited_longest() -> None:
    async with serving(answer_at_once, keep_alive=5, protocol=Few) as server:
        kept = [await asyncio.open_connection(*server.servers[0].sockets[0].getsockname()) for _ in range(3)]
        for reader, writer in kept:
            writer.write(GET % b"")
            assert await reader.readuntil(b"ok")
        async with connected(server) as (reader, writer):
            writer.write(GET % b"")
            assert await reader.readuntil(b"ok")
            assert await until_closed(kept[0][0]) == b""
        for reader, writer in kept[1:]:
            writer.write(GET % b"")
            assert await reader.readuntil(b"ok")
        for _, writer in kept:
            writer.close()


async def test_a_connection_is_refused_where_all_others_are_served(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(answer_at_once, protocol=Few) as server:
        served = [asyncio.create_task(send(server, GET % b"slow")) for _ in range(3)]
        await asyncio.sleep(0.1)
        refused = await send(server)

        assert statuses(refused) == [503]
        assert b"retry-after: 1" in refused
        assert_refusal(refused)
        assert [statuses(answer) for answer in await asyncio.gather(*served)] == [[200]] * 3
    assert "there are 4 connections" in caplog.text


async def test_a_client_that_reads_nothing_is_given_up(
    server: uvicorn.Server, caplog: pytest.LogCaptureFixture
) -> None:
    _, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname(), limit=1000)
    writer.write(GET % b"large")
    for _ in range(100):
        await asyncio.sleep(0.05)
        if not server.server_state.connections:
            break

    assert not server.server_state.connections
    assert [r.levelno for r in caplog.records if "does not read its response" in r.message] == [logging.WARNING]
    writer.close()


class Hasty(Few):
    """Room for three; a client has to read within a second."""

    send_timeout = 0.5


async def leave_a_little(server: uvicorn.Server) -> socket.socket:
    """Read of the large answer until what is left is too little for the transport to tell of it; return the client."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    client.connect(server.servers[0].sockets[0].getsockname())
    client.setblocking(False)
    before = set(server.server_state.connections)
    client.send(GET % b"medium")
    while True:
        await asyncio.sleep(0.001)
        made: Any = set(server.server_state.connections) - before
        if made and 0 < made.pop()._raw_transport.get_write_buffer_size() < 60_000:
            return client
        with suppress(BlockingIOError):
            client.recv(8192)


async def test_a_little_that_is_not_read_keeps_no_connection(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(answer_at_once, keep_alive=0.1, protocol=Hasty) as server:
        with await leave_a_little(server):
            await asyncio.sleep(0.1 + Hasty.send_timeout + 0.3)
            assert not server.server_state.connections
    assert "does not read its response" in caplog.text


async def test_connections_that_only_flush_make_room_for_others() -> None:
    async with serving(answer_at_once, keep_alive=0.05, protocol=Hasty) as server, AsyncExitStack() as stack:
        for _ in range(Hasty.max_connections):
            stack.enter_context(await leave_a_little(server))
        await asyncio.sleep(0.1)
        assert all(connection.is_closing for connection in server.server_state.connections)  # type: ignore[union-attr]
        for _ in range(2 * Hasty.max_connections):
            assert statuses(await send(server)) == []
            async with connected(server) as (reader, writer):
                writer.write(GET % b"")
                assert await reader.readuntil(b"ok")
            assert len(server.server_state.connections) <= Hasty.max_connections


async def read_large(server: uvicorn.Server) -> int:
    """Read the large answer bit by bit, and return its size."""
    async with connected(server) as (reader, writer):
        writer.write(GET % b"large")
        read = 0
        while read <= LARGE and (part := await reader.read(2_000_000)):
            read += len(part)
            await asyncio.sleep(0.001)
    return read


class Frugal(HttpProtocol):
    """The usual one, with memory for one large answer, and a half."""

    max_unsent_bytes = LARGE * 3 // 2


async def test_answers_that_nobody_reads_have_a_bound(caplog: pytest.LogCaptureFixture) -> None:
    """The client with most to read goes; one that reads, and one with less, stay."""
    async with serving(answer_at_once, keep_alive=5, protocol=Frugal) as server:
        address = server.servers[0].sockets[0].getsockname()
        lazy = [await asyncio.open_connection(*address, limit=1000) for _ in range(3)]
        for _, writer in lazy:
            writer.write(GET % b"large")
            await asyncio.sleep(0.2)
        assert len(server.server_state.connections) == 1
        assert await read_large(server) > LARGE
        for _, writer in lazy:
            writer.transport.abort()
    assert "have not read" in caplog.text


async def test_a_client_that_reads_slowly_is_waited_for(server: uvicorn.Server) -> None:
    assert await read_large(server) > LARGE


@pytest.mark.parametrize("parts", [[b"no HTTP\r\n"], [GET % b"", b"no HTTP\r\n"], [CHUNKED, b"zebra"]])
async def test_a_client_that_does_not_hang_up_is_hung_up_on(server: uvicorn.Server, parts: list[bytes]) -> None:
    async with connected(server) as (reader, writer):
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0.02)
        await until_closed(reader)
        writer.write(b"more")
        await asyncio.sleep(3 * Impatient.linger_timeout)

        assert not server.server_state.connections

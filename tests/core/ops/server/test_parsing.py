"""Reading: many requests at once, half a connection, and what is refused before it is carried out."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import uvicorn

from app.core.ops.server.framing import MAX_TARGET_BYTES
from app.core.ops.server.parsing import ParsingConnection
from app.core.ops.server.protocol import HttpProtocol
from tests.core.ops.server.raw import assert_refusal, connected, send, serving, statuses, until_closed

pytestmark = pytest.mark.any_database

GET: Final = b"GET / HTTP/1.1\r\nHost:x\r\n\r\n"
LAST: Final = b"GET / HTTP/1.1\r\nHost:x\r\nConnection: close\r\n\r\n"
POST: Final = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345"
CONTINUED: Final = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: %s\r\nContent-Length: 5\r\n\r\n"
CHUNKED: Final = b"DELETE / HTTP/1.1\r\nHost: x\r\n%sTransfer-Encoding: chunked\r\n\r\nZZ\r\n"


class Counting:
    """Answers with the size of the body when the gate is open; counts the requests that it was called for."""

    def __init__(self) -> None:
        self.calls = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, _: Any, receive: Any, send: Any) -> None:
        self.calls += 1
        message, size = await receive(), 0
        while message.get("more_body"):
            size += len(message["body"])
            message = await receive()
        body = b"%d" % (size + len(message.get("body", b"")))
        await self.gate.wait()
        length = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def app() -> Counting:
    return Counting()


@pytest.fixture
async def server(app: Counting) -> AsyncIterator[uvicorn.Server]:
    async with serving(app, keep_alive=5) as server:
        yield server


async def test_of_many_requests_at_once_few_wait_and_all_are_answered(app: Counting, server: uvicorn.Server) -> None:
    many = 20_000
    app.gate.clear()
    async with connected(server) as (reader, writer):
        writer.write(GET * many + LAST)
        await asyncio.sleep(0.05)
        [connection] = server.server_state.connections
        waiting = len(connection.pipeline)  # type: ignore[union-attr]  # of our own kind
        app.gate.set()
        answer = await until_closed(reader)

    assert 0 < waiting <= ParsingConnection.parse_bytes // len(GET)
    assert statuses(answer) == [200] * (many + 1)
    assert app.calls == many + 1


async def test_a_large_body_behind_other_requests_arrives_whole(server: uvicorn.Server) -> None:
    size = 10 * ParsingConnection.parse_bytes + 1
    large = POST.replace(b": 5", b": %d" % size).replace(b"12345", b"x" * size)

    assert (await send(server, GET + large + LAST)).count(b"\r\n\r\n%d" % size) == 1
    assert statuses(await send(server, GET + large + large + GET + LAST)) == [200] * 5


@pytest.mark.parametrize(
    ("sent", "answers"), [(POST, 1), (GET + POST, 2), (GET + POST + POST[:-1], 2), (GET * 900, 900)]
)
async def test_who_has_asked_may_close_that_half_and_is_answered(
    app: Counting, server: uvicorn.Server, sent: bytes, answers: int
) -> None:
    app.gate.clear()
    async with connected(server) as (reader, writer):
        writer.write(sent)
        writer.write_eof()
        await asyncio.sleep(0.05)
        app.gate.set()
        answer = await until_closed(reader)

    assert statuses(answer) == [200] * answers
    await asyncio.sleep(0.02)
    assert not server.server_state.connections


@pytest.mark.parametrize("sent", [b"", GET[:-1], POST[:-1]])
async def test_who_closes_in_the_middle_is_gone(server: uvicorn.Server, sent: bytes) -> None:
    async with connected(server) as (reader, writer):
        writer.write(sent)
        await asyncio.sleep(0.02)
        writer.write_eof()
        assert await until_closed(reader) == b""

    await asyncio.sleep(0.02)
    assert not server.server_state.connections
    assert not server.server_state.tasks


@pytest.mark.parametrize("more", [b"", b"Expect: 100-continue\r\n"])
async def test_what_is_refused_at_once_is_not_carried_out(
    app: Counting, server: uvicorn.Server, more: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await send(server, CHUNKED % more)

    assert statuses(answer) == [400]
    assert app.calls == 0
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("expectation", [b"100-continue", b"100-Continue"])
async def test_whoever_asks_before_the_body_is_told_to_go_on(server: uvicorn.Server, expectation: bytes) -> None:
    async with connected(server) as (reader, writer):
        writer.write(CONTINUED % expectation)
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"12345")
        assert statuses(await reader.readuntil(b"\r\n\r\n5")) == [200]


@pytest.mark.parametrize("excess", [1, 2 * HttpProtocol.max_head_bytes], ids=["by a byte", "and is longer than a head"])
async def test_the_target_has_a_length(app: Counting, excess: int) -> None:
    longest = b"/" + b"x" * (MAX_TARGET_BYTES - 1)
    async with serving(app, protocol=HttpProtocol) as server:
        good = await send(server, LAST.replace(b"/ ", longest + b" "))
        too_long = await send(server, LAST.replace(b"/ ", longest + b"x" * excess + b" "))

    assert statuses(good) == [200]
    assert statuses(too_long) == [414]
    assert_refusal(too_long)
    assert app.calls == 1


async def test_a_head_that_comes_at_once_has_the_same_limit(app: Counting, server: uvicorn.Server) -> None:
    """Impatient lets a head have 4096 bytes; the last part that is parsed may exceed it."""
    head = GET[:-2] + b"X: " + b"x" * (2 * ParsingConnection.parse_bytes) + b"\r\n\r\n"

    assert statuses(await send(server, head)) == [431]
    assert app.calls == 0

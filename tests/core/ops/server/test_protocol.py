"""The server, over real sockets: whoever is slow, endless or lying holds nothing, and keeps nobody else waiting."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import uvicorn
from litestar import Litestar, post
from litestar.params import JSONBody

from app.core.http.edge.body_timeout import BodyTimeout
from app.core.http.edge.security_headers import SecurityHeaders
from app.core.http.exception_handlers import EXCEPTION_HANDLERS
from app.core.ops.access_log import AccessLog
from tests.core.ops.server.raw import assert_refusal, connected, send, serving, statuses

pytestmark = pytest.mark.any_database

GOOD: Final = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED: Final = (
    b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def served() -> Any:
    """Return an application that reads bodies up to 100 bytes, for a tenth of a second."""

    @post("/echo", status_code=200)
    async def echo(data: JSONBody[dict[str, Any]]) -> dict[str, Any]:
        return data

    app = Litestar(
        [echo],
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=None,
        logging_config=None,
        request_max_body_size=100,
    )
    app.asgi_handler = AccessLog(SecurityHeaders(BodyTimeout(app.asgi_handler, seconds=0.1), https_only=False))
    return app


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[uvicorn.Server]:
    async with serving(served()) as server:
        yield server


async def is_well(server: uvicorn.Server) -> None:
    """Assert that a good request is answered, and that nothing is left of the others."""
    assert statuses(await send(server, GOOD.replace(b"Host: x", b"Host: x\r\nConnection: close"))) == [200]
    await asyncio.sleep(0.01)
    assert not server.server_state.connections
    assert not server.server_state.tasks


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([], id="nothing"),
        pytest.param([b"GET"], id="half a line"),
        pytest.param([GOOD[:60]], id="half a head"),
        pytest.param([bytes([byte]) for byte in b"GET /echo HTTP/1.1\r\nHost: x\r\nX: "], id="byte by byte"),
    ],
)
async def test_a_head_that_is_not_complete_in_time_is_hung_up_on(server: uvicorn.Server, parts: list[bytes]) -> None:
    assert await send(server, *parts, pause=0.005) == b""
    await is_well(server)


async def test_a_second_head_on_the_same_connection_has_the_same_limit(
    server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.config, "timeout_keep_alive", 5)

    assert statuses(await send(server, GOOD, GOOD[:60], pause=0.05)) == [200]
    await is_well(server)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param([b"GET /" + b"a" * 4096, b"b" * 4096, b"c" * 4096], [431], id="a path without an end"),
        pytest.param([b"GET / HTTP/1.1\r\nX: " + b"a" * 4096, b"b" * 4096], [431], id="a header without an end"),
        pytest.param([b"GET / HTTP/1.1\r\n"] + [b"X: y\r\n" * 150] * 8, [431], id="headers without an end"),
        pytest.param([b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 60 + b"\r\n"], [431], id="too many headers"),
        pytest.param([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"], [400], id="TLS"),
    ],
)
async def test_a_head_that_is_too_large_is_refused(
    server: uvicorn.Server, parts: list[bytes], expected: list[int]
) -> None:
    answer = await send(server, *parts, pause=0.001)

    assert statuses(answer) == expected
    assert_refusal(answer)
    await is_well(server)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param([GOOD[:-1]], [408], id="a body that stops"),
        pytest.param([GOOD[:-2]], [408], id="a body that never begins"),
        pytest.param([CHUNKED, *[b"1\r\n \r\n"] * 60], [408], id="a body byte by byte"),
        pytest.param([CHUNKED, b"2\r\n{}\r\n0\r\n", b"X: y\r\n"], [408], id="trailers that stop"),
        pytest.param([CHUNKED, b"2\r\n{}\r\n0\r\n", b"X: y\r\n" * 60], [431], id="trailers without an end"),
        pytest.param([CHUNKED, b"2\r\n{}\r\n0\r\n\r\n"], [200], id="a body in chunks"),
        pytest.param([CHUNKED, *[b"40\r\n" + b" " * 64 + b"\r\n"] * 2], [413], id="chunks that are too many"),
        pytest.param([CHUNKED, b"zebra\r\n"], [400], id="a chunk that is none"),
        pytest.param([GOOD.replace(b": 2", b": 101")], [413], id="a length that is too large"),
        pytest.param([GOOD.replace(b": 2", b": -1")], [400], id="a negative length"),
        pytest.param([GOOD.replace(b": 2", b": 2, 3")], [400], id="two lengths in one"),
        pytest.param([GOOD.replace(b"Content-L", b"Content-Length: 3\r\nContent-L")], [400], id="two lengths"),
        pytest.param([GOOD.replace(b"Content-L", b"Transfer-Encoding: chunked\r\nContent-L")], [400], id="both"),
        pytest.param([GOOD.replace(b": 2", b": 1")], [422, 400], id="a length that is too small"),
        pytest.param([GOOD[:-2].replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")], [100, 408], id="expected"),
    ],
)
async def test_a_body_that_is_slow_endless_or_lies_about_itself_is_refused(
    server: uvicorn.Server, parts: list[bytes], expected: list[int]
) -> None:
    answer = await send(server, *parts, pause=0.005)

    assert statuses(answer) == expected
    if expected[-1:] == [408]:
        assert b'{"detail":"The body took too long to arrive"}' in answer
    if expected[-1:] >= [400]:
        assert_refusal(answer)
    await is_well(server)


async def test_slow_clients_keep_nobody_else_waiting(server: uvicorn.Server) -> None:
    slow = [asyncio.create_task(send(server, GOOD[:-1])) for _ in range(50)]
    await asyncio.sleep(0)

    assert statuses(await send(server, GOOD.replace(b"Host: x", b"Host: x\r\nConnection: close"))) == [200]

    assert {tuple(statuses(answer)) for answer in await asyncio.gather(*slow)} == {(408,)}
    await is_well(server)


async def test_who_hangs_up_in_the_middle_of_a_body_is_no_failure_of_ours(
    server: uvicorn.Server, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(server) as (_, writer):
        writer.write(GOOD[:-1])
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.02)

    (line,) = [record for record in caplog.records if record.name == "app.access"]
    assert (line.levelno, line.getMessage().split()[:3]) == (logging.WARNING, ["POST", "/echo", "408"])
    await is_well(server)

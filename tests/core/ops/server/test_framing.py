"""RFC 9112, section by section, over a raw socket: how each request is read, or with which status it is refused.

The application says how it was called. A request that is refused is the last of its connection: what comes behind it is
never read as a request.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import uvicorn

from app.core.ops.server.protocol import HttpProtocol
from tests.core.ops.server.raw import assert_refusal, connected, send, serving, statuses, until_closed

pytestmark = pytest.mark.any_database

NEXT: Final = b"GET /smuggled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
READ: Final = re.compile(rb"\{[^\r\n]*\}")


async def say_how_it_was_called(scope: Any, receive: Any, send: Any) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
    called = {"method": scope["method"], "path": scope["path"], "query": scope["query_string"].decode()}
    said = json.dumps(called | {"headers": headers, "body": body.decode("latin-1")}).encode()
    length = [(b"content-length", str(len(said)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": said})


class Patient(HttpProtocol):
    """The usual one, but for a client that never hangs up."""

    linger_timeout = 0.1


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[uvicorn.Server]:
    async with serving(say_how_it_was_called, keep_alive=5, protocol=Patient) as server:
        yield server


def calls(answer: bytes) -> list[dict[str, Any]]:
    """Return how the application was called."""
    return [json.loads(said) for said in READ.findall(answer) if b'"method"' in said]


def head(line: bytes = b"POST / HTTP/1.1", *headers: bytes, host: bytes = b"Host: x") -> bytes:
    return b"\r\n".join([line, *filter(None, [host]), *headers, b"", b""])


def chunked(body: bytes, *headers: bytes) -> bytes:
    return head(b"POST / HTTP/1.1", b"Transfer-Encoding: chunked", *headers) + body


UPGRADE: Final = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")

GOOD: Final[dict[str, tuple[bytes, dict[str, Any]]]] = {
    "3.1 a method that no resource has yet": (head(b"QUERY / HTTP/1.1"), {"method": "QUERY"}),
    "2.2 an empty line before the request": (b"\r\n\r\n" + head(b"GET / HTTP/1.1"), {"method": "GET"}),
    "2.3 HTTP/1.0": (head(b"GET / HTTP/1.0"), {"method": "GET"}),
    "2.3 HTTP/1.0 without a host": (head(b"GET / HTTP/1.0", host=b""), {"method": "GET"}),
    "3.2 an empty host": (head(b"GET / HTTP/1.1", host=b"Host:"), {"headers": {"host": ""}}),
    "3.2 a host with a port": (head(b"GET / HTTP/1.1", host=b"Host: [::1]:8000"), {"headers": {"host": "[::1]:8000"}}),
    "3.2.1 a path and a query": (head(b"GET /a%20b?c=d?e HTTP/1.1"), {"path": "/a b", "query": "c=d?e"}),
    "3.2.1 a path with two slashes": (head(b"GET //a//b HTTP/1.1"), {"path": "//a//b"}),
    "3.2.2 an address": (
        head(b"GET http://y:80/a?b HTTP/1.1"),
        {"path": "/a", "query": "b", "headers": {"host": "y:80"}},
    ),
    "3.2.2 an address without a path": (head(b"GET http://y HTTP/1.1"), {"path": "/", "headers": {"host": "y"}}),
    "3.2.2 an address with a query alone": (head(b"GET http://y?b HTTP/1.1"), {"path": "/", "query": "b"}),
    "3.2.4 the service itself": (head(b"OPTIONS * HTTP/1.1"), {"method": "OPTIONS", "path": "*"}),
    "5 a header without a value": (head(b"GET / HTTP/1.1", b"X:"), {"headers": {"host": "x", "x": ""}}),
    "5.1 white space around a value": (head(b"GET / HTTP/1.1", b"X: \ty \t"), {"headers": {"host": "x", "x": "y"}}),
    "5 letters beyond ASCII in a value": (head(b"GET / HTTP/1.1", b"X: \xe4"), {"headers": {"host": "x", "x": "ä"}}),
    "6 a body with GET": (head(b"GET / HTTP/1.1", b"Content-Length: 2") + b"{}", {"method": "GET", "body": "{}"}),
    "6.2 no length": (head(), {"body": ""}),
    "6.2 a length": (head(b"POST / HTTP/1.1", b"Content-Length: 2") + b"{}", {"body": "{}"}),
    "7 chunks": (chunked(b"2\r\n{}\r\n0\r\n\r\n"), {"body": "{}"}),
    "7 chunks by another case": (head(b"POST / HTTP/1.1", b"TRANSFER-ENCODING: CHUNKED") + b"0\r\n\r\n", {"body": ""}),
    "7.1.1 chunk extensions": (chunked(b'2;a=b;c="d"\r\n{}\r\n0\r\n\r\n'), {"body": "{}"}),
    "7.1.2 trailers, which are no headers": (
        chunked(b"2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\nHost: y\r\n\r\n"),
        {"body": "{}", "headers": {"host": "x", "transfer-encoding": "chunked"}},
    ),
    "7.8 another protocol, without a body": (head(b"GET / HTTP/1.1", *UPGRADE), {"method": "GET"}),
    "7.8 another protocol, with a length": (
        head(b"POST / HTTP/1.1", *UPGRADE, b"Content-Length: 2") + b"{}",
        {"body": "{}"},
    ),
    "7.8 another protocol, with chunks": (chunked(b"2\r\n{}\r\n0\r\n\r\n", *UPGRADE), {"body": "{}"}),
    "7.8 a WebSocket": (head(b"GET / HTTP/1.1", b"Connection: Upgrade", b"Upgrade: websocket"), {"method": "GET"}),
    "7.8 an offer that leaves the connection alone": (
        head(b"GET / HTTP/1.1", b"Connection: Keep-Alive, Upgrade", b"Upgrade: h2c", b"X:"),
        {"headers": {"host": "x", "connection": "Keep-Alive", "x": ""}},
    ),
    "7.8 an offer that the connection does not name": (
        head(b"POST / HTTP/1.1", b"Upgrade: h2c", b"Content-Length: 2") + b"{}",
        {"body": "{}"},
    ),
}

BAD: Final[dict[str, tuple[bytes, int]]] = {
    "2.2 a line that ends with LF alone": (b"GET / HTTP/1.1\nHost: x\n\n", 400),
    "2.2 a CR alone": (head(b"GET / HTTP/1.1", b"X: a\rb"), 400),
    "2.2 white space before the first header": (b"GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400),
    "2.3 HTTP/0.9": (b"GET /\r\n\r\n", 505),
    "2.3 HTTP/0.9 by name": (head(b"GET / HTTP/0.9"), 505),
    "2.3 HTTP/1.2": (head(b"GET / HTTP/1.2"), 400),
    "2.3 HTTP/2": (head(b"GET / HTTP/2.0"), 505),
    "2.3 HTTP/2 and its preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "2.3 in lower case": (head(b"GET / http/1.1"), 400),
    "3 white space before the method": (head(b" GET / HTTP/1.1"), 400),
    "3 white space behind the version": (head(b"GET / HTTP/1.1 "), 400),
    "3 another protocol": (head(b"DESCRIBE / RTSP/1.0"), 501),
    "3.1 no such method": (head(b"FOO / HTTP/1.1"), 400),
    "3.1 a method of others": (head(b"PROPFIND / HTTP/1.1"), 501),
    "3.1 a method in lower case": (head(b"get / HTTP/1.1"), 400),
    "3.2 no host": (head(b"GET / HTTP/1.1", host=b""), 400),
    "3.2 two hosts": (head(b"GET / HTTP/1.1", b"Host: y"), 400),
    "3.2 two hosts in HTTP/1.0": (head(b"GET / HTTP/1.0", b"Host: y"), 400),
    "3.2 two hosts in one header": (head(b"GET / HTTP/1.1", host=b"Host: x, y"), 400),
    "3.2 a host that is none": (head(b"GET / HTTP/1.1", host=b"Host: x/y"), 400),
    "3.2 a host with a user": (head(b"GET / HTTP/1.1", host=b"Host: a@x"), 400),
    "3.2 a target with white space": (head(b"GET /a b HTTP/1.1"), 400),
    "3.2 a target beyond ASCII": (head("GET /ä HTTP/1.1".encode()), 400),
    "3.2 a target with a fragment": (head(b"GET /a#b HTTP/1.1"), 400),
    "3.2.1 a path without a slash": (head(b"GET a HTTP/1.1"), 400),
    "3.2.2 an address without a host": (head(b"GET http:///a HTTP/1.1"), 400),
    "3.2.2 an address with a user": (head(b"GET http://a:b@x/ HTTP/1.1"), 400),
    "3.2.2 an address of another kind": (head(b"GET ftp://x/ HTTP/1.1"), 400),
    "3.2.3 a tunnel": (head(b"CONNECT x:80 HTTP/1.1"), 501),
    "3.2.4 the service itself by GET": (head(b"GET * HTTP/1.1"), 400),
    "5 a header without a colon": (head(b"GET / HTTP/1.1", b"X"), 400),
    "5 a header without a name": (head(b"GET / HTTP/1.1", b": y"), 400),
    "5 a name with a bracket": (head(b"GET / HTTP/1.1", b"X(y): z"), 400),
    "5 a NUL in a value": (head(b"GET / HTTP/1.1", b"X: \x00"), 400),
    "5.1 white space before the colon": (head(b"GET / HTTP/1.1", b"X : y"), 400),
    "5.2 a folded line": (head(b"GET / HTTP/1.1", b"X: y", b" z"), 400),
    "6.1 a coding in HTTP/1.0": (head(b"POST / HTTP/1.0", b"Transfer-Encoding: chunked") + b"0\r\n\r\n", 400),
    "6.1 a coding and a length": (head(b"POST / HTTP/1.1", b"Content-Length: 0", b"Transfer-Encoding: chunked"), 400),
    "6.1 chunks within gzip": (head(b"POST / HTTP/1.1", b"Transfer-Encoding: gzip, chunked"), 501),
    "6.1 chunks within gzip, in two lines": (chunked(b"", b"Transfer-Encoding: gzip"), 400),
    "6.1 gzip, then chunks, in two lines": (
        head(b"POST / HTTP/1.1", b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked"),
        501,
    ),
    "6.1 gzip alone": (head(b"POST / HTTP/1.1", b"Transfer-Encoding: gzip"), 501),
    "6.1 identity": (head(b"POST / HTTP/1.1", b"Transfer-Encoding: identity"), 501),
    "6.1 an empty coding": (head(b"POST / HTTP/1.1", b"Transfer-Encoding:") + b"0\r\n\r\n", 400),
    "6.1 chunks within chunks": (head(b"POST / HTTP/1.1", b"Transfer-Encoding: chunked, chunked"), 400),
    "6.1 nearly chunks": (head(b"POST / HTTP/1.1", b"Transfer-Encoding: xchunked"), 501),
    "6.1 chunks in quotes": (head(b"POST / HTTP/1.1", b'Transfer-Encoding: "chunked"'), 501),
    "6.2 a length with a sign": (head(b"POST / HTTP/1.1", b"Content-Length: +2"), 400),
    "6.2 a negative length": (head(b"POST / HTTP/1.1", b"Content-Length: -2"), 400),
    "6.2 a length by hexadecimal digits": (head(b"POST / HTTP/1.1", b"Content-Length: 0x2"), 400),
    "6.2 an empty length": (head(b"POST / HTTP/1.1", b"Content-Length:"), 400),
    "6.2 a length without an end": (head(b"POST / HTTP/1.1", b"Content-Length: " + b"9" * 30), 400),
    "6.3 two lengths": (head(b"POST / HTTP/1.1", b"Content-Length: 2", b"Content-Length: 3"), 400),
    "6.3 the same length twice": (head(b"POST / HTTP/1.1", b"Content-Length: 2", b"Content-Length: 2"), 400),
    "6.3 two lengths in one": (head(b"POST / HTTP/1.1", b"Content-Length: 2, 2"), 400),
    "7.1 a size that is none": (chunked(b"zebra\r\n"), 400),
    "7.1 a size with a sign": (chunked(b"+2\r\n{}\r\n0\r\n\r\n"), 400),
    "7.1 a size with a prefix": (chunked(b"0x2\r\n{}\r\n0\r\n\r\n"), 400),
    "7.1 a size with white space": (chunked(b"2 \r\n{}\r\n0\r\n\r\n"), 400),
    "7.1 a size without an end": (chunked(b"f" * 17 + b"\r\n{}"), 400),
    "7.1 no size": (chunked(b"\r\n0\r\n\r\n"), 400),
    "7.1 a chunk longer than its size": (chunked(b"2\r\n{}}\r\n0\r\n\r\n"), 400),
    "7.1 a chunk that ends with LF alone": (chunked(b"2\r\n{}\n0\r\n\r\n"), 400),
    "7.1 a size that ends with LF alone": (chunked(b"2\n{}\r\n0\r\n\r\n"), 400),
    "7.1.1 LF in an extension": (chunked(b"2;a\nb\r\n{}\r\n0\r\n\r\n"), 400),
    "7.1.1 a line end in the quotes of an extension": (chunked(b'2;a="\r\n"\r\n{}\r\n0\r\n\r\n'), 400),
    "7.1.2 a trailer without a colon": (chunked(b"2\r\n{}\r\n0\r\nX\r\n\r\n"), 400),
    "7.1.2 a trailer that ends with LF alone": (chunked(b"2\r\n{}\r\n0\r\nX: y\n\r\n"), 400),
}

split = pytest.mark.parametrize("pause", [0.0, 0.02], ids=["at once", "in two parts"])


@split
@pytest.mark.parametrize("case", GOOD)
async def test_a_good_request_is_read_whole_and_the_next_one_behind_it(
    server: uvicorn.Server, case: str, pause: float
) -> None:
    request, expected = GOOD[case]
    middle = request.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in request[4:] else len(request)
    answer = await send(server, request[:middle], request[middle:] + NEXT, pause=pause)
    closes = b"HTTP/1.0" in request

    first, *others = calls(answer)
    assert {name: first[name] for name in expected} == expected
    assert [call["path"] for call in others] == ([] if closes else ["/smuggled"])


@split
@pytest.mark.parametrize("case", BAD)
async def test_a_bad_request_is_refused_and_nothing_behind_it_is_read(
    server: uvicorn.Server, case: str, pause: float
) -> None:
    request, status = BAD[case]
    answer = await send(server, request, NEXT, pause=pause)

    assert statuses(answer) == [status]
    assert calls(answer) == []
    assert_refusal(answer)


@pytest.mark.parametrize("case", BAD)
async def test_what_is_bad_is_refused_behind_the_answer_to_a_good_request(server: uvicorn.Server, case: str) -> None:
    request, status = BAD[case]
    answer = await send(server, head(b"GET /slow HTTP/1.1") + request + NEXT)

    assert statuses(answer) == [200, status]
    assert_refusal(answer)


async def test_behind_the_last_request_nothing_is_read(server: uvicorn.Server) -> None:
    """RFC 9112, 9.6."""
    last = head(b"GET / HTTP/1.1", b"Connection: close")

    assert statuses(await send(server, last + NEXT)) == [200]
    assert statuses(await send(server, last + b"no HTTP at all")) == [200]


async def test_requests_are_answered_in_their_order(server: uvicorn.Server) -> None:
    """RFC 9112, 9.3.2."""
    requests = [head(b"GET /%d HTTP/1.1" % number) for number in range(49)]
    answer = await send(server, b"".join(requests), head(b"GET /49 HTTP/1.1", b"Connection: close"))

    assert [call["path"] for call in calls(answer)] == [f"/{number}" for number in range(50)]


async def test_a_body_is_no_request_whenever_it_comes(server: uvicorn.Server) -> None:
    """A request that offers another protocol: what a proxy takes for its body must not be read as the next request."""
    request = head(b"POST / HTTP/1.1", *UPGRADE, b"Content-Length: %d" % len(NEXT))
    async with connected(server) as (reader, writer):
        for part in (request, NEXT[:20], NEXT[20:], head(b"GET /next HTTP/1.1", b"Connection: close")):
            writer.write(part)
            await asyncio.sleep(0.02)
        first, second = calls(await until_closed(reader))

    assert (first["body"], second["path"]) == (NEXT.decode(), "/next")

"""Mutations: requests that are nearly right, made of right ones by a seeded chance."""

import json
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

NUMBERS: Final = (b"0", b"-1", b"+1", b"1e9", b"0x10", b"007", b"9" * 19, b"9" * 400, b"4294967296", b"\xd9\xa3", b"")
PIECES: Final = (
    *(b"\r\n", b"\n", b"\r", b"\x00", b" ", b"\t", b":", b",", b";", b'"', b"%", b"%2f", b"%00", b"//", b"..", b"?"),
    *(b"\xff", b"\xc3\xa9", b"\x1b[31m", b"{", b"[", b"null", b"NaN", b'{"a":' * 50, b"a" * 5000, b"\r\n\r\n"),
    *(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: y\r\n", b"Expect: 100-continue\r\n"),
    *(b"Connection: Upgrade\r\nUpgrade: h2c\r\n", b"If-Match: *\r\n", b"Prefer: count=exact\r\n", b"0\r\n\r\n"),
)


def requests_of(token: str, path: str) -> list[bytes]:
    """Right requests for a resource, of each kind."""
    row: dict[str, Any] = {"title": "fuzz", "completed": True}
    stale = b'If-Match: "2024-01-01T00:00:00.000001Z", W/"x"'
    who = b"Authorization: Bearer " + token.encode()

    def head(method: str, target: str, *headers: bytes) -> bytes:
        lines = (f"{method} {target} HTTP/1.1".encode(), b"Host: 127.0.0.1", who, *headers, b"", b"")
        return b"\r\n".join(lines)

    def body(method: str, target: str, *headers: bytes) -> bytes:
        sent = json.dumps(row).encode()
        return (
            head(method, target, b"Content-Type: application/json", b"Content-Length: %d" % len(sent), *headers) + sent
        )

    chunks = b"9\r\n" + b'{"title":' + b"\r\n5;x=1\r\n" + b'"a" }' + b"\r\n0\r\nTrailer-Field: x\r\n\r\n"
    in_chunks = (b"Content-Type: application/json", b"Transfer-Encoding: chunked")
    return [
        head("GET", path),
        head("GET", f"{path}?limit=2&after=1", b"Prefer: count=exact, return=minimal"),
        head("GET", f"{path}/1", b"If-None-Match: *", b"Accept: application/json"),
        head("HEAD", path),
        head("OPTIONS", path, b"Origin: http://localhost:3000", b"Access-Control-Request-Method: POST"),
        head("DELETE", f"{path}/2", stale),
        head("GET", "/schema/openapi.json"),
        head("GET", "/health/ready", b"Connection: close"),
        body("POST", path),
        body("PATCH", f"{path}/1", stale),
        body("PUT", f"{path}/1"),
        body("POST", path, b"Expect: 100-continue"),
        body("POST", path, b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQ"),
        head("POST", path, *in_chunks) + chunks,
        head("GET", path) + body("POST", path) + head("GET", "/health"),
    ]


def mutated(chance: Random, requests: Sequence[bytes]) -> bytes:
    """Return one or two of the requests, changed in up to four places."""
    sent = b"".join(chance.choices(requests, k=chance.choice((1, 1, 2))))
    for _ in range(chance.randrange(5)):
        sent = chance.choice(_CHANGES)(chance, sent)
    return sent


def _slice(chance: Random, sent: bytes) -> tuple[int, int]:
    begin = chance.randrange(len(sent) + 1)
    return begin, min(len(sent), begin + chance.randrange(40))


def _insert(chance: Random, sent: bytes) -> bytes:
    place, _ = _slice(chance, sent)
    return sent[:place] + chance.choice(PIECES) * chance.choice((1, 1, 1, 300)) + sent[place:]


def _replace(chance: Random, sent: bytes) -> bytes:
    begin, end = _slice(chance, sent)
    return sent[:begin] + chance.randbytes(end - begin) + sent[end:]


def _remove(chance: Random, sent: bytes) -> bytes:
    begin, end = _slice(chance, sent)
    return sent[:begin] + sent[end:]


def _repeat(chance: Random, sent: bytes) -> bytes:
    begin, end = _slice(chance, sent)
    return sent[:end] + sent[begin:end] * chance.choice((1, 2, 500)) + sent[end:]


def _renumber(chance: Random, sent: bytes) -> bytes:
    numbers = list(re.finditer(rb"\d+", sent))
    if not numbers:
        return sent
    number = chance.choice(numbers)
    return sent[: number.start()] + chance.choice(NUMBERS) + sent[number.end() :]


def _swap_lines(chance: Random, sent: bytes) -> bytes:
    lines = sent.split(b"\r\n")
    chance.shuffle(lines)
    return b"\r\n".join(lines)


def _cut(chance: Random, sent: bytes) -> bytes:
    return sent[: chance.randrange(len(sent) + 1)]


_CHANGES: Final[tuple[Callable[[Random, bytes], bytes], ...]] = (
    *(_insert, _insert, _replace, _remove, _repeat, _renumber, _renumber),
    *(_swap_lines, _cut),
)

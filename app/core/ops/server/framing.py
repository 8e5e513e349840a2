"""Framing: reject a request head that a proxy could parse differently (RFC 9112), to prevent request smuggling.

llhttp rejects folded lines, a bare CR or LF, two Content-Length, and Content-Length with Transfer-Encoding. These are
the rules that it lacks.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Final

import httptools  # type: ignore[import-untyped]

from app.core.ops.server.rejections import RequestRejected, malformed, target_too_long, unknown_method

Field = tuple[bytes, bytes]
"""A header field: its name in lower case, and its value."""

# Every resource knows these, and most have only some: 405. HTTP has further methods, which no resource has: 501.
METHODS: Final = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"QUERY"})
MAX_TARGET_BYTES: Final = 8192  # Litestar's router caches paths, so their length is limited

_VERSIONS: Final = frozenset({"1.1", "1.0"})
_HOST: Final = re.compile(rb"([A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]*)?")  # RFC 3986, 3.2


def check_head(method: bytes, target: bytes, version: str, fields: list[Field]) -> None:
    """Check a head, and convert the value of Expect to lower case (RFC 9110, 10.1.1). Raises RequestRejected."""
    if method not in METHODS:
        raise unknown_method()
    if version not in _VERSIONS:
        raise RequestRejected(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "Send the request as HTTP/1.1")
    if len(target) > MAX_TARGET_BYTES:
        raise target_too_long(MAX_TARGET_BYTES)
    if b"#" in target:
        raise malformed("the request target has a fragment")
    names = [name for name, _ in fields]
    if names.count(b"host") != 1 or not _is_host(fields[names.index(b"host")][1]):
        _reject_host(version, names)
    if b"transfer-encoding" in names:
        _check_coding(version, fields)
    if b"expect" in names:
        fields[:] = [(name, value.lower() if name == b"expect" else value) for name, value in fields]


def origin_form(target: bytes, fields: list[Field], *, is_options: bool = False) -> bytes:
    """Return the target in origin form: path and query (RFC 9112, 3.2.1). Raises RequestRejected.

    The host of a target in absolute form replaces the Host header (section 3.2.2).
    """
    if target.startswith(b"/") or (is_options and target == b"*"):  # asterisk form (3.2.4)
        return target
    url = httptools.parse_url(target)
    if url.schema not in {b"http", b"https"} or not url.host or url.userinfo is not None:
        raise malformed("the request target is neither a path nor a URL")
    authority = target.partition(b"://")[2].partition(b"/")[0].partition(b"?")[0]
    fields[:] = [field for field in fields if field[0] != b"host"] + [(b"host", authority)]
    query = b"?" + url.query if url.query is not None else b""
    return (url.path or b"/") + query


def without_upgrade(method: bytes, target: bytes, version: str, fields: Sequence[Field]) -> bytes:
    """Return the head of the same request without its Upgrade (RFC 9110, 7.8)."""
    lines = [b"%s %s HTTP/%s" % (method, target, version.encode())]
    lines += [b"%s: %s" % field for field in fields if field[0] not in {b"connection", b"upgrade"}]
    options = (option.strip() for name, value in fields if name == b"connection" for option in value.split(b","))
    if others := b", ".join(option for option in options if option.lower() != b"upgrade"):
        lines.append(b"connection: " + others)
    return b"\r\n".join([*lines, b"", b""])


@lru_cache(maxsize=100)
def _is_host(value: bytes) -> bool:
    return bool(_HOST.fullmatch(value))


def _reject_host(version: str, names: Sequence[bytes]) -> None:
    # RFC 9112, 3.2: exactly one Host header; it is optional in HTTP/1.0.
    if b"host" in names or version != "1.0":
        raise malformed("it needs exactly one Host header, with a valid host")


def _check_coding(version: str, fields: Sequence[Field]) -> None:
    # RFC 9112, 6.1: chunked is the only coding supported here, and HTTP/1.0 has no transfer codings.
    codings = [value.strip().lower() for name, value in fields if name == b"transfer-encoding"]
    if version == "1.0" or b"" in codings:
        raise malformed("its Transfer-Encoding is not valid")
    if codings != [b"chunked"]:
        raise RequestRejected(
            HTTPStatus.NOT_IMPLEMENTED,
            "Transfer-Encoding must be chunked; send the body without any other transfer coding",
        )

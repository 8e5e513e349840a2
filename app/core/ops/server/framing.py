"""Framing: a request head that a proxy in front could read in another way is refused (RFC 9112).

llhttp refuses most of it: folded lines, a bare CR or LF, two lengths, a length beside chunks. The rules here are about
what it lets pass. A head that two programs read differently lets an attacker send a request that only one of them sees.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Final

import httptools  # type: ignore[import-untyped]

from app.core.ops.server.rejections import RequestRejected, malformed, unknown_method

Field = tuple[bytes, bytes]
"""The name of a header in lower case, and its value."""

METHODS: Final = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE"})
MAX_TARGET_BYTES: Final = 8192  # bytes; routers keep some of the paths that they have seen

_VERSIONS: Final = frozenset({"1.1", "1.0"})
_HOST: Final = re.compile(rb"([A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]*)?")  # RFC 3986, 3.2


def check_head(method: bytes, target: bytes, version: str, fields: list[Field]) -> None:
    """Check the parts of a head that llhttp lets pass, and write Expect in lower case (RFC 9110, 10.1.1).

    Raises:
        RequestRejected: one of them has no single meaning.
    """
    if method not in METHODS:
        raise unknown_method()
    if version not in _VERSIONS:
        raise RequestRejected(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "Send the request as HTTP/1.1")
    if len(target) > MAX_TARGET_BYTES:
        raise RequestRejected(HTTPStatus.REQUEST_URI_TOO_LONG, f"The address has more than {MAX_TARGET_BYTES} bytes")
    if b"#" in target:
        raise malformed("its target has a fragment")
    names = [name for name, _ in fields]
    if names.count(b"host") != 1 or not _is_host(fields[names.index(b"host")][1]):
        _reject_host(version, names)
    if b"transfer-encoding" in names:
        _check_coding(version, fields)
    if b"expect" in names:
        fields[:] = [(name, value.lower() if name == b"expect" else value) for name, value in fields]


def origin_form(target: bytes, fields: list[Field], *, is_options: bool = False) -> bytes:
    """Return the target as path and query (RFC 9112, 3.2.1).

    A target in absolute form also names the host. It takes the place of the Host header, as section 3.2.2 has it.

    Raises:
        RequestRejected: it is none.
    """
    if target.startswith(b"/") or (is_options and target == b"*"):  # OPTIONS * is about the service (3.2.4)
        return target
    url = httptools.parse_url(target)
    if url.schema not in {b"http", b"https"} or not url.host or url.userinfo is not None:
        raise malformed("its target is no path and no address")
    authority = target.partition(b"://")[2].partition(b"/")[0].partition(b"?")[0]
    fields[:] = [field for field in fields if field[0] != b"host"] + [(b"host", authority)]
    query = b"?" + url.query if url.query is not None else b""
    return (url.path or b"/") + query


def without_upgrade(method: bytes, target: bytes, version: str, fields: Sequence[Field]) -> bytes:
    """Return the head of the same request, without the offer to go on in another protocol (RFC 9110, 7.8)."""
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
    """RFC 9112, 3.2: one Host header, which HTTP/1.0 may leave out."""
    if b"host" in names or version != "1.0":
        raise malformed("it needs one Host header, with the name of a host")


def _check_coding(version: str, fields: Sequence[Field]) -> None:
    """RFC 9112, 6.1: chunks are the one coding that we can undo, and HTTP/1.0 has none."""
    codings = [value.strip().lower() for name, value in fields if name == b"transfer-encoding"]
    if version == "1.0" or b"" in codings:
        raise malformed("its Transfer-Encoding has no meaning")
    if codings != [b"chunked"]:
        raise RequestRejected(
            HTTPStatus.NOT_IMPLEMENTED, "Send the body plain, or in chunks and in no other transfer coding"
        )

"""Security headers: what browsers are told with every answer. An answer that says one of them itself is left alone."""

from collections.abc import Iterable
from typing import Final

from app.core.http.headers import Headers

_ALWAYS: Final[Headers] = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),  # nothing here is a page, but the docs
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),  # a request with CORS is not concerned
    (b"cache-control", b"no-store"),
]
_HTTPS_ONLY: Final = (b"strict-transport-security", b"max-age=31536000")
_NAMES: Final = frozenset(name for name, _ in _ALWAYS)


def security_headers(*, https_only: bool) -> Headers:
    """Return the headers for every answer; `https_only` tells browsers to call by https for a year from now on."""
    return [*_ALWAYS, _HTTPS_ONLY] if https_only else _ALWAYS


def merge(own: Iterable[tuple[bytes, bytes]], added: Headers) -> Headers:
    """Return the answer's own headers and the added ones, except for a security header that the answer has itself."""
    headers = [*own]
    for name, _ in headers:
        if name in _NAMES:
            names = {name for name, _ in headers} & _NAMES
            return headers + [pair for pair in added if pair[0] not in names]
    headers += added
    return headers

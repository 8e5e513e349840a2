"""CORS: which scripts of other origins may call, what they may send, and what they may read of an answer.

Tokens travel in a header that a script sets, so credentials (cookies) are never allowed. Whoever is not listed gets an
answer without any of these headers, which their browser keeps from them.
"""

from collections.abc import Iterable
from typing import Final

from app.core.http.headers import Headers

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
REQUEST_HEADERS: Final = ("Authorization", "Content-Type", "If-Match", "Prefer", "X-Request-ID")
RESPONSE_HEADERS: Final = (
    "Allow",
    "ETag",
    "Link",
    "Location",
    "Preference-Applied",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-ID",
    "X-Total-Count",
)
MAX_AGE: Final = 600  # seconds for which a browser need not ask again

_BY_ORIGIN: Final = (b"vary", b"Origin")


def answer_headers(origins: Iterable[str]) -> dict[bytes | None, Headers]:
    """Return what each origin's answers carry besides, and under None everybody else's."""
    exposed = (b"access-control-expose-headers", ", ".join(RESPONSE_HEADERS).encode())
    allowed: dict[bytes | None, Headers] = {
        origin.encode(): [(b"access-control-allow-origin", origin.encode()), exposed, _BY_ORIGIN] for origin in origins
    }
    return allowed | {None: [_BY_ORIGIN] if allowed else []}


def preflight_headers() -> Headers:
    """Return what the answer to a preflight carries besides those: the same for every path, so that none is told."""
    return [
        (b"access-control-allow-methods", ", ".join(METHODS).encode()),
        (b"access-control-allow-headers", ", ".join(REQUEST_HEADERS).encode()),
        (b"access-control-max-age", str(MAX_AGE).encode()),
    ]

"""CORS: scripts of the origins in CORS_ORIGINS may send requests and read the responses.

Credentials are never allowed: the token is in a header, not in a cookie.
"""

import re
from collections.abc import Awaitable, Iterable
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from app.core.http.headers import Headers

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
# The headers that the API reads; CORS_HEADERS adds to them.
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
MAX_AGE: Final = 600  # seconds for which a browser caches the answer to a preflight

_VARY: Final = (b"vary", b"Origin")
_EXPOSED: Final = (b"access-control-expose-headers", ", ".join(RESPONSE_HEADERS).encode())
_LABEL: Final = "[a-z0-9_-]+"


class Cors:
    """Answers preflights, and adds CORS headers to all other responses.

    An origin is exact, or has a `*` for one label of the host name.
    """

    # The answer to a preflight is the same for every path, so it does not tell which paths exist.

    def __init__(self, app: ASGIApp, origins: Iterable[str], request_headers: Iterable[str]) -> None:
        origins = list(origins)
        self._app = app
        self._is_off = not origins
        self._exact = {origin: _allow_headers(origin) for origin in (o.encode() for o in origins if "*" not in o)}
        patterns = [re.escape(origin).replace(r"\*", _LABEL) for origin in origins if "*" in origin]
        self._pattern = re.compile("|".join(patterns).encode()) if patterns else None
        self._preflight = _preflight_headers(request_headers)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if self._is_off or scope["type"] != ScopeType.HTTP:
            return self._app(scope, receive, send)
        sent = dict(scope["headers"])
        allow_headers = self._headers_for(sent.get(b"origin"))
        added = allow_headers or [_VARY]

        def send_with_headers(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            return send(message)

        if allow_headers and _is_preflight(scope, sent):
            return _answer_preflight(send_with_headers, self._preflight)
        return self._app(scope, receive, send_with_headers)

    def _headers_for(self, origin: bytes | None) -> Headers | None:
        if origin is None:
            return None
        if (found := self._exact.get(origin)) is not None:
            return found
        # The headers for a pattern are not cached: a client can invent any number of origins.
        return _allow_headers(origin) if self._pattern is not None and self._pattern.fullmatch(origin) else None


def _allow_headers(origin: bytes) -> Headers:
    return [(b"access-control-allow-origin", origin), _EXPOSED, _VARY]


def _is_preflight(scope: HTTPScope, sent: dict[bytes, bytes]) -> bool:
    return scope["method"] == "OPTIONS" and b"access-control-request-method" in sent


async def _answer_preflight(send: Send, headers: Headers) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _preflight_headers(more: Iterable[str]) -> Headers:
    names = {name.lower(): name for name in (*more, *REQUEST_HEADERS)}
    return [
        (b"access-control-allow-methods", ", ".join(METHODS).encode()),
        (b"access-control-allow-headers", ", ".join(names.values()).encode()),
        (b"access-control-max-age", str(MAX_AGE).encode()),
    ]

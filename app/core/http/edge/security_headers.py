"""Security headers of every response. A header that a handler has set wins."""

from collections.abc import Awaitable, Iterable
from typing import Final

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from app.core.http.headers import Headers

_ALWAYS: Final[Headers] = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),  # the docs page has its own
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),  # does not apply to CORS requests
    (b"cache-control", b"no-store"),
]
_HTTPS_ONLY: Final = (b"strict-transport-security", b"max-age=31536000")
_NAMES: Final = frozenset(name for name, _ in _ALWAYS)


class SecurityHeaders:
    """Adds the security headers; with `https_only`, browsers use https for one year (HSTS)."""

    def __init__(self, app: ASGIApp, *, https_only: bool) -> None:
        self._app = app
        self._headers = security_headers(https_only=https_only)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        def send_with_headers(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                message["headers"] = merge(message["headers"], self._headers)
            return send(message)

        return self._app(scope, receive, send_with_headers)


def security_headers(*, https_only: bool) -> Headers:
    """Return the headers of every response."""
    return [*_ALWAYS, _HTTPS_ONLY] if https_only else _ALWAYS


def merge(own: Iterable[tuple[bytes, bytes]], added: Headers) -> Headers:
    """Return a new list: the headers of a response, then the headers of `added` that it does not have."""
    headers = [*own]
    for name, _ in headers:
        if name in _NAMES:
            names = {name for name, _ in headers} & _NAMES
            return headers + [pair for pair in added if pair[0] not in names]
    headers += added
    return headers

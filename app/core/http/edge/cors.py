"""CORS: which scripts of other origins may call, what they may send, and what they may read of an answer.

Tokens travel in a header that a script sets, so credentials (cookies) are never allowed. Whoever is not listed gets an
answer without any of these headers, which their browser keeps from them.
"""

import re
from collections.abc import Iterable
from typing import Final

from app.core.http.headers import Headers

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
# All that the API reads; CORS_HEADERS adds to them.
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
_EXPOSED: Final = (b"access-control-expose-headers", ", ".join(RESPONSE_HEADERS).encode())
_LABEL: Final = "[a-z0-9_-]+"


class AnswerHeaders:
    """What answers carry besides their own headers, for each origin that asks; `others` is for whoever is not listed.

    Origins that are listed exactly are looked up. A `*` is one label; an origin that matches is allowed by its name.
    """

    def __init__(self, origins: Iterable[str], always: Headers) -> None:
        origins = list(origins)
        self._always = always
        self.others = [*always, _BY_ORIGIN] if origins else always
        self._listed: dict[bytes | None, Headers] = {None: self.others}
        self._listed |= {name: self._allowing(name) for name in (o.encode() for o in origins if "*" not in o)}
        patterns = [re.escape(origin).replace(r"\*", _LABEL) for origin in origins if "*" in origin]
        self._pattern = re.compile("|".join(patterns).encode()) if patterns else None

    def to(self, origin: bytes | None) -> Headers:
        """Return the headers of an answer to this origin."""
        found = self._listed.get(origin)
        if found is not None:
            return found
        if origin is not None and self._pattern is not None and self._pattern.fullmatch(origin):
            return self._allowing(origin)  # not kept: whoever asks could make up any number of them
        return self.others

    def _allowing(self, origin: bytes) -> Headers:
        return [*self._always, (b"access-control-allow-origin", origin), _EXPOSED, _BY_ORIGIN]


def preflight_headers(more: Iterable[str] = ()) -> Headers:
    """Return what the answer to a preflight carries besides those: the same for every path, so that none is told.

    `more` are the request headers that are allowed beyond `REQUEST_HEADERS`.
    """
    names = {name.lower(): name for name in (*more, *REQUEST_HEADERS)}
    return [
        (b"access-control-allow-methods", ", ".join(METHODS).encode()),
        (b"access-control-allow-headers", ", ".join(names.values()).encode()),
        (b"access-control-max-age", str(MAX_AGE).encode()),
    ]

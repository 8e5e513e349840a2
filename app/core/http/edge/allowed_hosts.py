"""Allowed hosts: the Host header must match ALLOWED_HOSTS."""

import logging
from collections.abc import Awaitable, Iterable
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from app.core.http.problems import send_error

logger = logging.getLogger(__name__)

_MAX_NAME_LENGTH: Final = 100


class AllowedHosts:
    """Answers 421 to a request for another host, except for probes.

    An entry is an exact name, `*.example.com` for all subdomains, or `*`. Without entries all hosts are allowed.
    """

    def __init__(self, app: ASGIApp, allowed: Iterable[str], probes: Iterable[str]) -> None:
        names = set(allowed)
        self._app = app
        self._is_open = not names or "*" in names
        self._exact = frozenset(name.encode() for name in names)
        self._suffixes = tuple(name[1:].encode() for name in names if name.startswith("*."))
        self._probes = frozenset(probes)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if self._is_open or scope["type"] != ScopeType.HTTP or self._allows(scope):
            return self._app(scope, receive, send)
        return send_error(send, 421, "This service is not available under this host name")

    def _allows(self, scope: HTTPScope) -> bool:
        if scope["path"] in self._probes:
            return True
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        is_allowed = len(hosts) == 1 and self._is_listed(hosts[0].lower())  # RFC 9110, section 7.2
        if not is_allowed:
            logger.warning("refused: ALLOWED_HOSTS does not have %a", b" ".join(hosts)[:_MAX_NAME_LENGTH])
        return is_allowed

    def _is_listed(self, host: bytes) -> bool:
        # Without the port and the trailing dot of an absolute name (RFC 1034, section 3.1).
        before, colon, port = host.rpartition(b":")
        name = before if colon and (port.isdigit() or not port) else host
        name = name.removesuffix(b".")
        return name in self._exact or (name.endswith(self._suffixes) and not name.startswith(b"."))

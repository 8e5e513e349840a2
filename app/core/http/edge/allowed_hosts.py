"""Hosts: the names that this service answers to."""

from collections.abc import Iterable
from typing import Final

PROBES: Final = frozenset({"/health", "/health/", "/health/ready", "/health/ready/"})
"""The paths that are asked by address, often, and by whatever watches the process: no name is asked of them."""


class Hosts:
    """Names, exact or `*.example.com` for all below one, and `*` for any."""

    def __init__(self, allowed: Iterable[str]) -> None:
        names = set(allowed)
        self.checks = bool(names) and "*" not in names
        self._exact = frozenset(name.encode() for name in names)
        self._below = tuple(name[1:].encode() for name in names if name.startswith("*."))

    def allow(self, sent: list[bytes]) -> bool:
        """Tell whether these are one Host header with a name that is allowed, under any port (RFC 9110, section 7.2).

        A dot at the end makes a name absolute (RFC 1034, section 3.1), and is the same host.
        """
        if len(sent) != 1:
            return False
        host, colon, port = sent[0].lower().rpartition(b":")
        name = host if colon and (port.isdigit() or not port) else sent[0].lower()
        name = name.removesuffix(b".")
        return name in self._exact or (name.endswith(self._below) and not name.startswith(b"."))

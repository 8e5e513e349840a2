"""Probes: routes for load balancers and monitoring."""

from typing import Final

from litestar import Litestar
from litestar.routes import HTTPRoute

PROBE: Final = "probe"
"""The handler option of a public route without a rate limit, for any Host header."""


def probe_paths(app: Litestar) -> frozenset[str]:
    """Return the paths of all probes, with and without a trailing slash."""
    routes = [route for route in app.routes if isinstance(route, HTTPRoute)]
    paths = {route.path for route in routes if any(handler.opt.get(PROBE) for handler in route.route_handlers)}
    return frozenset(paths | {f"{path}/" for path in paths})

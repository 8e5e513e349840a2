"""Probes: routes for what watches the process, such as a load balancer."""

from typing import Final

from litestar import Litestar
from litestar.routes import HTTPRoute

PROBE: Final = "probe"
"""The handler option of a public route that has no rate limit and answers under any host name, also an address."""


def probe_paths(app: Litestar) -> frozenset[str]:
    """Return the paths of the probes, with and without a slash at the end."""
    routes = [route for route in app.routes if isinstance(route, HTTPRoute)]
    paths = {route.path for route in routes if any(handler.opt.get(PROBE) for handler in route.route_handlers)}
    return frozenset(paths | {f"{path}/" for path in paths})

"""Private caching: no shared cache may store the responses of private routes."""

import re
from typing import Final

from litestar.handlers import HTTPRouteHandler
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute

from app.core.auth.middleware import PUBLIC

_SHARED: Final = re.compile(r"\b(public|s-maxage)\b", re.IGNORECASE)  # RFC 9111, 5.2.2


class PrivateCaching(ReceiveRoutePlugin):
    """Raises TypeError at startup for a private route whose responses a shared cache would store."""

    def receive_route(self, route: BaseRoute) -> None:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if not handler.opt.get(PUBLIC) and (setting := _shared_cache_setting(handler)):
                methods = ", ".join(sorted(handler.http_methods))
                raise TypeError(
                    f"{methods} {route.path} is private, but {setting} would let other users read a cached answer: "
                    "remove that, or write `public=True` if every user may read the same answer."
                )


def _shared_cache_setting(handler: HTTPRouteHandler) -> str | None:
    if handler.cache:
        return "`cache`"
    headers = {header.name.lower(): str(header.value) for header in handler.resolve_response_headers()}
    return "Cache-Control" if _SHARED.search(headers.get("cache-control", "")) else None

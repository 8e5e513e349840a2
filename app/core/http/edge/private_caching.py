"""Caches: the answer to one user is kept for no other, neither in this process nor on the way."""

import re
from typing import Final

from litestar.handlers import HTTPRouteHandler
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute

from app.core.auth.middleware import PUBLIC

_FOR_ALL: Final = re.compile(r"\b(public|s-maxage)\b", re.IGNORECASE)  # RFC 9111, 5.2.2


class PrivateCaching(ReceiveRoutePlugin):
    """Refuses a private route whose answers are kept for whoever asks next."""

    def receive_route(self, route: BaseRoute) -> None:
        """Look at each route that the application is given.

        Raises:
            TypeError: naming the route and what to write.
        """
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if not handler.opt.get(PUBLIC) and (setting := _keeps(handler)):
                methods = ", ".join(sorted(handler.http_methods))
                raise TypeError(
                    f"{methods} {route.path} is private, and {setting} keeps its answer for others as well: "
                    "take that away, or write `public=True` if everybody may read the same."
                )


def _keeps(handler: HTTPRouteHandler) -> str | None:
    if handler.cache:
        return "`cache`"
    headers = {header.name.lower(): str(header.value) for header in handler.resolve_response_headers()}
    return "Cache-Control" if _FOR_ALL.search(headers.get("cache-control", "")) else None

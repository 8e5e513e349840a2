"""Lists: which part of one is asked for, and the headers that say where the rest is.

A list is a bare JSON array, as the guide has it. `Link` (RFC 8288) names the next and the previous page; the total
costs a count of all rows and comes only when it is asked for (`Prefer: count=exact`, RFC 7240).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import ResponseHeader
from litestar.di import Provide
from litestar.exceptions import ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.params import HeaderParameter, QueryParameter
from litestar.utils.signature import ParsedSignature
from sqlalchemy import Row

from app.core.auth.middleware import PUBLIC
from app.core.data.fields import MAX_ID
from app.core.data.repository import Slice

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
LIST_HEADERS = [
    ResponseHeader(name=name, description=text, documentation_only=True)
    for name, text in {
        "Link": "The next and the previous page, where there are such (RFC 8288).",
        "X-Total-Count": "The number of all rows, where it was asked for.",
    }.items()
]
MAX_NAME = 100  # characters of an unknown parameter's name that an answer repeats


@dataclass(frozen=True, slots=True)
class Page:
    """The part of a list that a request asks for."""

    path: str
    limit: int
    offset: int
    count: bool

    def respond(self, found: Slice) -> Response[list[Row[Any]]]:
        """Return the rows, with `Link` where there are other pages and `X-Total-Count` where it was asked for."""
        headers = {"Link": links} if (links := self._links(found.more)) else {}
        if found.total is not None:
            headers |= {"X-Total-Count": str(found.total), "Preference-Applied": "count=exact"}
        return Response(list(found.rows), headers=headers)

    def _links(self, more: bool) -> str:
        links = []
        if more:
            links.append(self._link("next", self.offset + self.limit))
        if self.offset:
            links.append(self._link("prev", max(0, self.offset - self.limit)))
        return ", ".join(links)

    def _link(self, relation: str, offset: int) -> str:
        return f'<{self.path}?{urlencode({"limit": self.limit, "offset": offset})}>; rel="{relation}"'


def provide_page(
    request: Request[Any, Any, Any],
    limit: Annotated[
        int, QueryParameter(ge=1, le=MAX_LIMIT, description="How many to return at most.")
    ] = DEFAULT_LIMIT,
    offset: Annotated[int, QueryParameter(ge=0, le=MAX_ID, description="How many to skip.")] = 0,
    prefer: Annotated[
        str, HeaderParameter(name="Prefer", description="`count=exact` asks for the total, in `X-Total-Count`.")
    ] = "",
) -> Page:
    """Read the page from the query and the Prefer header."""
    preferences = {part.strip() for part in prefer.lower().split(",")}
    return Page(request.scope["path"], limit, offset, count="count=exact" in preferences)


async def refuse_unknown_query(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Refuse a query parameter that the handler does not have, or one given twice: a typo must not list everything.

    Public routes take what they are given: probes like to add a parameter of their own.

    Raises:
        ValidationException: naming the first one.
    """
    handler = connection.scope["route_handler"]
    if not connection.scope["query_string"] or handler.opt.get(PUBLIC):
        return
    given = [name for name, _ in connection.query_params.multi_items()]
    for name in given:
        if name not in _query_names(handler):
            raise _invalid(name, "Unknown query parameter")
        if given.count(name) > 1:
            raise _invalid(name, "Give this parameter once")


@cache
def _query_names(handler: BaseRouteHandler) -> frozenset[str]:
    signatures = _signatures(handler.parsed_fn_signature, handler.resolve_dependencies())
    fields = (field for signature in signatures for field in signature.parameters.values())
    return frozenset(
        f.kwarg_definition.name or f.name for f in fields if isinstance(f.kwarg_definition, QueryParameter)
    )


def _signatures(signature: ParsedSignature, dependencies: Mapping[str, Provide]) -> Iterator[ParsedSignature]:
    """The signature and those of the dependencies that it asks for: a controller offers more than each handler uses."""
    yield signature
    for name in signature.parameters.keys() & dependencies.keys():
        yield from _signatures(dependencies[name].parsed_fn_signature, dependencies)


def _invalid(name: str, message: str) -> ValidationException:
    return ValidationException(extra=[{"source": "query", "key": name[:MAX_NAME], "message": message}])

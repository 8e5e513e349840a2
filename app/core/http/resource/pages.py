"""Pagination of lists: `limit`, `offset`, `after` and `before`; `Link` (RFC 8288); `Prefer: count=exact` (RFC 7240)."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, QueryParameter, SkipValidation

from app.core.data.repository.pages import Page, PageRequest
from app.core.data.repository.repository import Repository
from app.core.data.repository.rows import Row
from app.core.data.tables.field_types import MAX_ID
from app.core.http.resource.preferences import parse_prefer
from app.core.http.resource.query import invalid_parameter

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
MAX_OFFSET = 10_000  # rows; the database reads all of them and discards them
# The total needs a count of all rows, so it is sent on request only.
LIST_HEADERS = [
    ResponseHeader(
        name="Link", description="The addresses of the next and the previous page (RFC 8288).", documentation_only=True
    ),
    ResponseHeader(
        name="X-Total-Count",
        description="The number of all rows, if `Prefer` has `count=exact`.",
        value=0,  # type: ignore[arg-type]  # the document takes its type
        documentation_only=True,
    ),
]

Offset = Annotated[
    int,
    QueryParameter(
        ge=0,
        le=MAX_OFFSET,
        description="The number of rows to skip. Not with `after` or `before`. `Link` reaches all rows.",
    ),
]
After = Annotated[
    int,
    QueryParameter(
        ge=0, le=MAX_ID, description="Only rows with a greater `id`. `Link` uses it. Not with `offset` or `before`."
    ),
]
Before = Annotated[
    int | None,
    QueryParameter(
        ge=1,
        le=MAX_ID,
        description="Only the last rows with a smaller `id`. `Link` uses it. Not with `offset` or `after`.",
    ),
]
Prefer = Annotated[str, HeaderParameter(name="Prefer", description="`count=exact` adds `X-Total-Count` to the answer.")]


def page_response(path: str, request: PageRequest, page: Page) -> Response[list[Row]]:
    """Return the response with the rows of a page, `Link` and, if the request has it, `X-Total-Count`."""
    places = _links_by_offset(request, page) if request.order else _links_by_id(request, page)
    links = [f'<{path}?{urlencode({"limit": request.limit, **place})}>; rel="{relation}"' for relation, place in places]
    headers = {"Link": ", ".join(links)} if links else {}
    if page.total is not None:
        headers |= {"X-Total-Count": str(page.total), "Preference-Applied": "count=exact"}
    return Response(page.rows, headers=headers)


def _links_by_id(request: PageRequest, page: Page) -> Iterator[tuple[str, dict[str, int]]]:
    # By id, so that a deep page costs no more: with an offset the database reads all rows before it.
    rows = page.rows
    if rows and (page.more or request.before):
        yield "next", {"after": rows[-1].id}
    if request.offset:
        yield "prev", {"offset": max(0, request.offset - request.limit)}
    elif request.after:
        yield "prev", {"before": rows[0].id if rows else min(request.after[0] + 1, MAX_ID)}
    elif request.before and page.more:
        yield "prev", {"before": rows[0].id}


def _links_by_offset(request: PageRequest, page: Page) -> Iterator[tuple[str, dict[str, int]]]:
    # In another order an id is not enough for `after` and `before`.
    if page.more and (following := request.offset + request.limit) <= MAX_OFFSET:
        yield "next", {"offset": following}
    if request.offset:
        yield "prev", {"offset": max(0, request.offset - request.limit)}


def page_request_provider(max_limit: int) -> Callable[..., PageRequest]:
    """Return the dependency that reads the `PageRequest` of a request; `max_limit` is the maximum of `limit`."""

    def provide_page_request(  # noqa: PLR0917  # Litestar passes them by name
        # Not used. Litestar resolves independent dependencies in tasks, which takes longer.
        repository: NamedDependency[SkipValidation[Repository[Any]]],
        request: Request[Any, Any, Any],
        limit: Annotated[int, QueryParameter(ge=1, le=max_limit, description="The maximum number of rows.")] = min(
            DEFAULT_LIMIT, max_limit
        ),
        offset: Offset = 0,
        after: After = 0,
        before: Before = None,
        prefer: Prefer = "",
    ) -> PageRequest:
        if (offset > 0) + (after > 0) + (before is not None) > 1:
            raise invalid_parameter("after" if after else "offset", "Send only one of offset, after and before")
        lines = request.headers.getall("Prefer", ())  # `prefer` has only the first; it is there for the document
        is_counted = bool(lines) and parse_prefer(lines).get("count", "").lower() == "exact"
        return PageRequest(
            limit,
            offset,
            after=(after,) if after else None,
            before=None if before is None else (before,),
            count="exact" if is_counted else None,
        )

    return provide_page_request

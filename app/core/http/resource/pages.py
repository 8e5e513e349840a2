"""Pages of a list: the request for one, its response, `Link` (RFC 8288) and the total (`Prefer: count`, RFC 7240)."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Final, Literal

from litestar import Request, Response
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, SkipValidation

from app.core.data.repository.pages import Key, Page, PageRequest
from app.core.data.repository.repository import Repository
from app.core.data.repository.rows import Row
from app.core.data.sql.conditions import Sort, is_id_descending
from app.core.data.tables.field_types import MAX_ID
from app.core.http.resource.cursors import read_cursor, write_cursor
from app.core.http.resource.list_declaration import ListDeclaration
from app.core.http.resource.list_parameters import MAX_OFFSET, read_id_position
from app.core.http.resource.listing import ListQuery
from app.core.http.resource.parameters import invalid_parameter
from app.core.http.resource.preferences import parse_prefer
from app.core.http.resource.values import ValueType

# The total needs a count of all rows, so it is sent on request only.
LIST_HEADERS = [
    ResponseHeader(
        name="Link", description="The addresses of the next and the previous page (RFC 8288).", documentation_only=True
    ),
    ResponseHeader(
        name="X-Total-Count",
        description="The number of all rows that match, if `Prefer` has `count=exact` or `count=estimated`.",
        value=0,  # type: ignore[arg-type]  # the document takes its type
        documentation_only=True,
    ),
    ResponseHeader(
        name="Preference-Applied",
        description="The form of the total; `count=estimated; at-least` says that there are more rows.",
        documentation_only=True,
    ),
]

Prefer = Annotated[
    str,
    HeaderParameter(
        name="Prefer",
        description="`count=exact` adds `X-Total-Count` to the answer; `count=estimated` counts to 10,000 only.",
    ),
]

_COUNTS: Final[dict[str, Literal["exact", "estimated"]]] = {"exact": "exact", "estimated": "estimated"}


class ListRequest(PageRequest, frozen=True, gc=False):
    """A request for a page, with the query that it comes from.

    `context` is what a cursor belongs to: the owner, the path, and the choice and order of the rows.
    """

    asked: ListQuery = ListQuery(0)
    kinds: tuple[ValueType, ...] = ()
    context: bytes = b""


def page_response(path: str, request: PageRequest, page: Page) -> Response[list[Row]]:
    """Return the response with the rows of a page, `Link` and, if the request has it, `X-Total-Count`."""
    rest = request.asked.rest if isinstance(request, ListRequest) else ""
    start = f"{path}?limit={request.limit}{rest}"
    links = [f'<{start}&{name}={value}>; rel="{relation}"' for relation, name, value in _links(request, page)]
    headers = {"Link": ", ".join(links)} if links else {}
    if page.total is not None:
        form = f"count={request.count}" + ("; at-least" if page.has_more_than_total else "")
        headers |= {"X-Total-Count": str(page.total), "Preference-Applied": form}
    return Response(page.rows, headers=headers)


_Link = tuple[str, str, int | str]


def _links(request: PageRequest, page: Page) -> Iterator[_Link]:
    if not request.order:
        return _links_by_id(request, page)
    if isinstance(request, ListRequest) and request.order == request.asked.order:
        return _links_by_cursor(request, page)
    return _links_by_offset(request, page)


def _links_by_id(request: PageRequest, page: Page) -> Iterator[_Link]:
    # By id, so that a deep page costs no more: with an offset the database reads all rows before it.
    rows = page.rows
    if rows and (page.more or request.before):
        yield "next", "after", rows[-1].id
    if request.offset:
        yield "prev", "offset", max(0, request.offset - request.limit)
    elif request.after:
        yield "prev", "before", rows[0].id if rows else min(request.after[0] + 1, MAX_ID)
    elif request.before and page.more:
        yield "prev", "before", rows[0].id


def _links_by_cursor(request: ListRequest, page: Page) -> Iterator[_Link]:
    def cursor(key: Key) -> str:
        return write_cursor(key, request.kinds, request.context)

    first, last = page.first_key, page.last_key
    if last and (page.more or request.before):
        yield "next", "after", cursor(last)
    if request.offset:
        yield "prev", "offset", max(0, request.offset - request.limit)
    elif request.after:
        yield "prev", "before", cursor(first or _just_after(request.after, request.order))
    elif first and request.before and page.more:
        yield "prev", "before", cursor(first)


def _just_after(key: Key, order: tuple[Sort, ...]) -> Key:
    # So that a page past the end leads back to the row of the key as well.
    return *key[:-1], key[-1] - 1 if is_id_descending(order) else min(key[-1] + 1, MAX_ID)


def _links_by_offset(request: PageRequest, page: Page) -> Iterator[_Link]:
    # A noun's own order has no cursors.
    if page.more and (following := request.offset + request.limit) <= MAX_OFFSET:
        yield "next", "offset", following
    if request.offset:
        yield "prev", "offset", max(0, request.offset - request.limit)


def page_request_provider(lists: ListDeclaration) -> Callable[..., ListRequest]:
    """Return the dependency that reads the `ListRequest` of a request."""

    def provide_page_request(
        # Not used. Litestar resolves independent dependencies in tasks, which takes longer.
        repository: NamedDependency[SkipValidation[Repository[Any]]],
        request: Request[Any, Any, Any],
        prefer: Prefer = "",
    ) -> ListRequest:
        scope = request.scope
        query = lists.parser.parse(scope["query_string"])
        context, kinds = b"", lists.value_types(query.order)
        if query.order:
            context = f"{request.user.id}\0{scope['path']}?{query.selection}".encode()
        lines = request.headers.getall("Prefer", ())  # `prefer` has only the first; it is there for the document
        count = parse_prefer(lines).get("count", "").lower() if lines else ""
        return ListRequest(
            query.limit,
            query.offset,
            query.order,
            _position("after", query, kinds, context),
            _position("before", query, kinds, context),
            _COUNTS.get(count),
            query.conditions,
            query.values,
            query.words,
            query.fields,
            query.expand,
            query.counts,
            query,
            kinds,
            context,
        )

    return provide_page_request


def _position(name: str, query: ListQuery, kinds: tuple[ValueType, ...], context: bytes) -> Key | None:
    text = query.after if name == "after" else query.before
    if text is None:
        return None
    try:
        return read_cursor(text, kinds, context) if query.order else read_id_position(text, int(name == "before"))
    except ValueError as error:
        raise invalid_parameter(name, str(error)) from None

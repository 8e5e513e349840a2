"""Lists: which part of one is asked for, and the headers that say where the rest is.

A list is a bare JSON array, as the guide has it. `Link` (RFC 8288) names the next and the previous page; the total
costs a count of all rows and comes only when it is asked for (`Prefer: count=exact`, RFC 7240).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, QueryParameter, SkipValidation

from app.core.data.repository.repository import Cut, Repository, Slice
from app.core.data.repository.rows import Row
from app.core.data.tables.fields import MAX_ID
from app.core.http.resource.preferences import parse_prefer
from app.core.http.resource.query import invalid_parameter

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
MAX_OFFSET = 10_000  # rows: the database reads and throws away as many
LIST_HEADERS = [
    ResponseHeader(name="Link", description="The next and the previous page (RFC 8288).", documentation_only=True),
    ResponseHeader(
        name="X-Total-Count",
        description="The number of all rows, where it was asked for.",
        value=0,  # type: ignore[arg-type]  # whose type is documented
        documentation_only=True,
    ),
]


@dataclass(frozen=True, slots=True)
class Page:
    """The part of a list that a request asks for, and the rows that it is asked of."""

    rows: Repository[Any]
    path: str
    cut: Cut

    async def respond(self) -> Response[list[Row]]:
        """Return this page of all of the caller's rows."""
        return self.response_of(await self.rows.select_page(self.cut))

    def response_of(self, found: Slice) -> Response[list[Row]]:
        """Return the rows, with `Link` where there are other pages and `X-Total-Count` where it was asked for."""
        headers = {"Link": links} if (links := ", ".join(self._links(found))) else {}
        if found.total is not None:
            headers |= {"X-Total-Count": str(found.total), "Preference-Applied": "count=exact"}
        return Response(found.rows, headers=headers)

    def _links(self, found: Slice) -> Iterator[str]:
        """Pages follow each other by id, however deep: an offset would read everything before it."""
        if found.rows and (found.more or self.cut.before is not None):
            yield self._link("next", after=found.rows[-1].id)
        if self.cut.offset:
            yield self._link("prev", offset=max(0, self.cut.offset - self.cut.limit))
        elif self.cut.after or (self.cut.before is not None and found.more):
            yield self._link("prev", before=found.rows[0].id if found.rows else min(self.cut.after + 1, MAX_ID))

    def _link(self, relation: str, **edge: int) -> str:
        return f'<{self.path}?{urlencode({"limit": self.cut.limit, **edge})}>; rel="{relation}"'


def page_provider(most: int) -> Callable[..., Page]:
    """Return the dependency that reads from a request which page of at most so many rows it asks for."""

    def provide_page(  # noqa: PLR0917  # Litestar gives each by its name
        rows: NamedDependency[SkipValidation[Repository[Any]]],
        request: Request[Any, Any, Any],
        limit: Annotated[int, QueryParameter(ge=1, le=most, description="How many to return at most.")] = min(
            DEFAULT_LIMIT, most
        ),
        offset: Annotated[
            int,
            QueryParameter(
                ge=0,
                le=MAX_OFFSET,
                description="How many to skip; without `after` and `before`. `Link` leads further than that.",
            ),
        ] = 0,
        after: Annotated[
            int,
            QueryParameter(
                ge=0,
                le=MAX_ID,
                description="Only rows with a greater `id`: what `Link` uses. Without `offset` and `before`.",
            ),
        ] = 0,
        before: Annotated[
            int | None,
            QueryParameter(
                ge=1,
                le=MAX_ID,
                description="Only the last rows with a smaller `id`: what `Link` uses. Without `offset` and `after`.",
            ),
        ] = None,
        prefer: Annotated[
            str, HeaderParameter(name="Prefer", description="`count=exact` asks for the total, in `X-Total-Count`.")
        ] = "",
    ) -> Page:
        """Read the page from the query and the Prefer header.

        Raises:
            ValidationException: it is to begin at two places.
        """
        if (offset > 0) + (after > 0) + (before is not None) > 1:
            raise invalid_parameter("after" if after else "offset", "Give one of offset, after and before")
        lines = request.headers.getall("Prefer", ())  # all of them; Litestar gives `prefer` the first, and documents it
        is_counted = bool(lines) and parse_prefer(lines).get("count", "").lower() == "exact"
        return Page(rows, request.scope["path"], Cut(limit, offset, after, before, is_counted))

    return provide_page

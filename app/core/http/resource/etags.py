"""ETags (RFC 9110, section 8.8.3): the ETag of a row is its `updated_at` in quotes, exactly as in the JSON of the row.

So the rows of a list have ETags too. With If-Match, a write applies only to a row with one of the named versions.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.exceptions import ValidationException
from litestar.params import HeaderParameter, SkipValidation

from app.core.data.repository.repository import ExpectedVersions, Repository
from app.core.data.repository.rows import Row
from app.core.data.tables.versions import CHANGED_AT, RowVersion, parse_moment

ANY: Final = "*"
ETAG: Final = ResponseHeader(
    name="ETag", description="The version of the row: its `updated_at` in quotes.", documentation_only=True
)
MAX_ETAGS: Final = 20  # each needs a statement

# A weak ETag counts as a strong one: a proxy that compresses makes it weak, and the version of the row is the same.
_TAG: Final = re.compile(r'(?:W/)?("[^"]*")')


def etag_header(row: Row) -> dict[str, str]:
    """Return the ETag header of a row; empty if the table has no `updated_at`."""
    changed_at = getattr(row, CHANGED_AT, None)
    return {} if changed_at is None else {"ETag": msgspec.json.encode(changed_at).decode()}


def with_etag(row: Row, **headers: str) -> Response[Row]:
    """Return a response with this row and its ETag."""
    return Response(row, headers=headers | etag_header(row))


def provide_expected(
    # Not used. Litestar resolves independent dependencies in tasks, which takes a third of the time of an update.
    repository: NamedDependency[SkipValidation[Repository[Any]]],
    request: Request[Any, Any, Any],
    if_match: Annotated[
        str,
        HeaderParameter(
            name="If-Match",
            description="The version that the row must have: its `ETag`, or its `updated_at` in quotes.",
        ),
    ] = ANY,
) -> ExpectedVersions:
    """Return the versions in all If-Match headers of a request."""
    lines = request.headers.getall("If-Match", ())  # `if_match` has only the first; it is there for the document
    return parse_if_match(lines) if lines else None


Expected = NamedDependency[SkipValidation[ExpectedVersions]]


def parse_if_match(lines: Sequence[str]) -> ExpectedVersions:
    """Return the versions in the values of If-Match (RFC 9110, section 13.1.1); None if any version matches.

    An ETag that is not a time matches no row.

    Raises:
        ValidationException: there are too many ETags.
    """
    value = ",".join(lines)
    if value.strip() == ANY:
        return None
    tags = dict.fromkeys(_TAG.findall(value))
    if len(tags) > MAX_ETAGS:
        message = f"Send at most {MAX_ETAGS} ETags"
        raise ValidationException(extra=[{"source": "header", "key": "If-Match", "message": message}])
    return [RowVersion.at(moment) for tag in tags if (moment := parse_moment(tag.strip('"')))]

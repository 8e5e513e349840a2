"""Entity tags (RFC 9110, section 8.8.3): which state of a row a client has expected, so that it overwrites no other.

The tag of a row is its `updated_at` in quotes, to the letter as JSON has it, so that the rows of a list have theirs as
well. A change or a deletion that names one with If-Match happens to that state of the row or not at all.

Two things are read with more patience than HTTP asks for. A weak tag (`W/"..."`) counts as a strong one: a proxy that
compresses makes it weak, but it names the state of the row, which is the same. And a time that has lost its
microseconds still names the state, see `core/data/tables/versions.py`.
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
MAX_ETAGS: Final = 20  # each is a statement of its own

_TAG: Final = re.compile(r'(?:W/)?("[^"]*")')


def etag_header(row: Row) -> dict[str, str]:
    """Return the header with a row's tag; none if its table does not know when rows change."""
    changed_at = getattr(row, CHANGED_AT, None)
    return {} if changed_at is None else {"ETag": msgspec.json.encode(changed_at).decode()}


def with_etag(row: Row, **headers: str) -> Response[Row]:
    """Return the answer that is this row, with its tag."""
    return Response(row, headers=headers | etag_header(row))


def provide_expected(
    # Not used: Litestar resolves dependencies that know nothing of each other in tasks, a third of an update's time.
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
    """Read the states that If-Match names, in all of its lines.

    Raises:
        ValidationException: it names too many.
    """
    lines = request.headers.getall("If-Match", ())  # Litestar gives `if_match` the first, and documents it
    return parse_if_match(lines) if lines else None


def parse_if_match(lines: Sequence[str]) -> ExpectedVersions:
    """Return the states that the lines of If-Match name (RFC 9110, 13.1.1); None where any will do.

    A tag that is none of ours names a state that no row has.

    Raises:
        ValidationException: there are too many tags.
    """
    value = ",".join(lines)
    if value.strip() == ANY:
        return None
    tags = dict.fromkeys(_TAG.findall(value))
    if len(tags) > MAX_ETAGS:
        message = f"Send at most {MAX_ETAGS} ETags"
        raise ValidationException(extra=[{"source": "header", "key": "If-Match", "message": message}])
    return [RowVersion.at(moment) for tag in tags if (moment := parse_moment(tag.strip('"')))]

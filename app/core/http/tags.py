"""Entity tags (RFC 9110, section 8.8.3): which state of a row a client has seen, so that it overwrites no other.

The tag of a row is its `updated_at` in quotes, to the letter as JSON has it, so that the rows of a list have theirs as
well. A change or a deletion that names one with If-Match happens to that state of the row or not at all.
"""

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from litestar import Response
from litestar.datastructures import ResponseHeader
from litestar.params import HeaderParameter

from app.core.data.fields import CHANGED_AT
from app.core.data.rows import Row

IfMatch = Annotated[
    str,
    HeaderParameter(
        name="If-Match", description="Only if the row is still as it was: its `ETag`, or `updated_at` in quotes."
    ),
]
ANY: Final = "*"
ETAG: Final = ResponseHeader(
    name="ETag", description="The state of the row: its `updated_at`, in quotes.", documentation_only=True
)

_NEVER: Final = datetime.min.replace(tzinfo=UTC)  # no row has this one


def tagged(row: Row, **headers: str) -> Response[Row]:
    """Return the answer that is this row, with its tag if its table knows when rows change."""
    changed_at = getattr(row, CHANGED_AT, None)
    if changed_at is not None:
        headers["ETag"] = msgspec.json.encode(changed_at).decode()
    return Response(row, headers=headers)


def state_in(if_match: str) -> datetime | None:
    """Return when the row that If-Match names was changed last; None where any will do.

    What is no tag of ours, or more than one, names a state that no row has.
    """
    if if_match.strip() == ANY:
        return None
    try:
        state = msgspec.json.decode(if_match.encode(), type=datetime)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return _NEVER
    return state if state.tzinfo else _NEVER

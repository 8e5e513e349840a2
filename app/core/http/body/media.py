"""Media types: Content-Type and Content-Encoding are checked before a body is read."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from litestar.exceptions import HTTPException

from app.settings.formats import split_list

NOT_JSON: Final = "Send the body as JSON, with Content-Type: application/json"

# The headers of a 415 name the accepted format (RFC 9110, sections 12.5.3 and 15.5.16).
_JSON: Final = {"Accept": "application/json"}
_PLAIN: Final = {"Accept-Encoding": "identity"}
_UTF_8: Final = frozenset({"utf-8", "utf8", "us-ascii"})


@lru_cache(maxsize=64)  # nearly all clients send the same values; an exception is not cached
def check_json(types: tuple[str, ...], codings: tuple[str, ...]) -> None:
    """Raise a 415 if the values of Content-Type and Content-Encoding are not those of plain JSON in UTF-8."""
    if any(coding.lower() != "identity" for coding in split_list(",".join(codings))):
        raise HTTPException("Send the body uncompressed, without Content-Encoding", status_code=415, headers=_PLAIN)
    media_types = {type_.partition(";")[0].strip().lower() for type_ in types}
    if media_types != {"application/json"} or len(types) > 1:
        raise HTTPException(NOT_JSON, status_code=415, headers=_JSON)
    if not _UTF_8.issuperset(_charsets(types[0])):
        raise HTTPException("Send the JSON in UTF-8, without another charset", status_code=415, headers=_JSON)


def _charsets(content_type: str) -> Iterator[str]:
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            yield value.strip().strip('"').lower()

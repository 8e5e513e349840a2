"""Media: what a body is said to be (Content-Type) and whether it is compressed (Content-Encoding), before it is read.

A body that is not what it seems to be is refused with a 415, which says in a header what would be accepted (RFC 9110,
sections 12.5.3 and 15.5.16).
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from litestar.exceptions import HTTPException

from app.settings.formats import split_list

NOT_JSON: Final = "Send the body as JSON, with Content-Type: application/json"

_JSON: Final = {"Accept": "application/json"}
_PLAIN: Final = {"Accept-Encoding": "identity"}
_UTF_8: Final = frozenset({"utf-8", "utf8", "us-ascii"})


@lru_cache(maxsize=64)  # it remembers what is accepted: nearly every client sends the same
def check_json(types: tuple[str, ...], codings: tuple[str, ...]) -> None:
    """See that a body with these values of Content-Type and of Content-Encoding is JSON that can be read as it stands.

    Raises:
        HTTPException: 415, it is compressed, is not called JSON, is called two things, or is not in UTF-8.
    """
    if any(coding.lower() != "identity" for coding in split_list(",".join(codings))):
        raise HTTPException("Send the body uncompressed, without Content-Encoding", status_code=415, headers=_PLAIN)
    kinds = {kind.partition(";")[0].strip().lower() for kind in types}
    if kinds != {"application/json"} or len(types) > 1:
        raise HTTPException(NOT_JSON, status_code=415, headers=_JSON)
    if not _UTF_8.issuperset(_charsets(types[0])):
        raise HTTPException("Send the JSON in UTF-8, without another charset", status_code=415, headers=_JSON)


def _charsets(content_type: str) -> Iterator[str]:
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            yield value.strip().strip('"').lower()

"""Cursors: the position of a row in an order, as an opaque text that belongs to one query of one owner.

Its values are written as in a filter and read by the same rules, so a forged cursor is a query that its owner could
send anyway. The digest has no key: it finds damage, and cursors of other queries and owners.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec

from app.core.http.resource.values import INTEGER, ValueType

INVALID_CURSOR: Final = "Send a cursor from the Link header of the same list"

_VERSION: Final = 1
_DIGEST_SIZE: Final = 8  # bytes
_DECODER: Final = msgspec.json.Decoder(list[int | str | None])


def write_cursor(key: Sequence[Any], kinds: Sequence[ValueType], context: bytes) -> str:
    """Return the cursor of a key: the values of a row, of these types, and its id."""
    texts = [None if value is None else kind.write(value) for value, kind in zip(key, (*kinds, INTEGER), strict=True)]
    content = msgspec.json.encode([_VERSION, *texts])
    return urlsafe_b64encode(_digest(content, context) + content).rstrip(b"=").decode()


def read_cursor(cursor: str, kinds: Sequence[ValueType], context: bytes) -> tuple[Any, ...]:
    """Return the key in a cursor; raise ValueError unless `write_cursor` made it with the same context."""
    try:
        key = _read_key(cursor, (*kinds, INTEGER), context)
        if key[-1] is not None and write_cursor(key, kinds, context) == cursor:
            return key
    except (ValueError, UnicodeError, msgspec.MsgspecError):
        pass
    raise ValueError(INVALID_CURSOR)


def _read_key(cursor: str, kinds: Sequence[ValueType], context: bytes) -> tuple[Any, ...]:
    decoded = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    digest, content = decoded[:_DIGEST_SIZE], decoded[_DIGEST_SIZE:]
    if digest != _digest(content, context):
        raise ValueError(INVALID_CURSOR)
    _, *texts = _DECODER.decode(content)
    return tuple(None if text is None else kind.read(str(text)) for text, kind in zip(texts, kinds, strict=True))


def _digest(content: bytes, context: bytes) -> bytes:
    return blake2b(content, digest_size=_DIGEST_SIZE, key=blake2b(context, digest_size=64).digest()).digest()

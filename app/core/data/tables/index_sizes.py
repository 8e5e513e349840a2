"""The size of an entry in an index: PostgreSQL refuses a longer one when a row is stored, SQLite accepts any."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from pydantic.fields import FieldInfo
from sqlmodel import SQLModel

from app.core.data.tables.folds import LONGEST_FOLD

_LARGEST: Final = 2704  # bytes in an entry of a B-tree, a third of a page
_OWNER: Final = 255 * 4 + 16  # bytes, with the head of the entry
_VALUE: Final = 20  # bytes of a value that is no text, with its alignment
_PER_CHARACTER: Final = 4  # bytes in UTF-8


def faults_of_size(model: type[SQLModel], names: Iterable[str], *, is_folded: bool = False) -> Iterator[str]:
    """Yield a sentence if the values of these fields and the owner can be too long for an entry of an index."""
    size = _OWNER
    for name in names:
        length = _length_of(model.model_fields[name])
        if length == 0:
            yield f"{name} has no maximum length, so a value can be too long for an index; set its max_length"
            return
        size += _VALUE if length is None else min(length, LONGEST_FOLD if is_folded else length) * _PER_CHARACTER + 4
    if size > _LARGEST:
        left = (_LARGEST - _OWNER) // _PER_CHARACTER
        yield (
            f"its values can have {size:,} bytes, an entry of an index at most {_LARGEST:,}; set a max_length of its"
            f" texts so that they have about {left} characters together"
        )


def _length_of(field: FieldInfo) -> int | None:
    # None for a field that is no text, 0 for a text without a maximum length.
    kinds: tuple[Any, ...] = (field.annotation, *getattr(field.annotation, "__args__", ()))
    if str not in kinds and not any(str in getattr(kind, "__args__", ()) for kind in kinds):
        return None
    return next((length for part in field.metadata if (length := getattr(part, "max_length", None))), 0)

"""What a query means, in plain Python: which rows match, and in which order they come."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final, TypeVar

from app.core.data.tables.folds import fold

RowT = TypeVar("RowT")
Get = Callable[[Any, str], Any]
"""Returns the value of a row's field."""

CUT: Final = 400  # the characters of a short text by which it is sorted and searched

_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": eq,
    "ne": ne,
    "lt": lt,
    "lte": le,
    "gt": gt,
    "gte": ge,
}


def matches(value: Any, operator: str, wanted: Any = None, *, cut: int | None = CUT) -> bool:
    """Return whether a field with this value matches a condition; a null matches `ne` and `isnull` only."""
    if value is None:
        return operator in {"ne", "isnull"}
    text = fold(value)[:cut] if isinstance(value, str) else ""
    compared: Mapping[str, Callable[[], bool]] = {
        "notnull": lambda: True,
        "isnull": lambda: False,
        "in": lambda: value in wanted,
        "icontains": lambda: fold(wanted) in text,
        "istartswith": lambda: text.startswith(fold(wanted)),
    }
    return compared[operator]() if operator in compared else _COMPARISONS[operator](value, wanted)


def has_words(texts: Iterable[tuple[str | None, int | None]], words: Sequence[str]) -> bool:
    """Return whether each folded word is in one of the texts, which come with the length of their folds."""
    folds = [fold(text)[:cut] for text, cut in texts if text is not None]
    return all(any(word in text for text in folds) for word in words)


def in_order(rows: Iterable[RowT], order: Sequence[tuple[str, bool]], get: Get = getattr) -> list[RowT]:
    """Return the rows sorted by these fields, each descending or not; nulls last, and then by id as by the last one."""
    found = sorted(rows, key=lambda row: get(row, "id"), reverse=bool(order) and order[-1][1])
    for field, is_descending in reversed(order):
        nulls = [row for row in found if get(row, field) is None]
        others = [row for row in found if get(row, field) is not None]
        others.sort(key=lambda row, field=field: sort_value(get(row, field)), reverse=is_descending)  # type: ignore[misc]
        found = others + nulls
    return found


def sort_value(value: Any) -> Any:
    """Return the value by which a field's value is sorted."""
    return fold(value)[:CUT] if isinstance(value, str) else value

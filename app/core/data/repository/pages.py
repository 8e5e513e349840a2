"""Pages: what is asked of a list, and what comes back."""

from typing import Any

import msgspec

from app.core.data.repository.rows import Row
from app.core.data.sql.pages import PageShape

Key = tuple[Any, ...]
"""The place of a row in an order: its values of the order's columns, the id last."""

_FIRST_KEY = (0,)  # the key before the first row, in the order of ids


class PageRequest(msgspec.Struct, frozen=True, gc=False):
    """One part of a list: `limit` rows after or before a key, or behind the first `offset` rows.

    `order` names columns that are never null, in ascending order; `id` is always the last one, so that rows with equal
    values keep their order. A key belongs to its order. With `count` the page says how many rows there are in all.
    """

    limit: int
    offset: int = 0
    order: tuple[str, ...] = ()
    after: Key | None = None
    before: Key | None = None
    count: bool = False

    def query(self) -> tuple[PageShape, dict[str, Any]]:
        """Return what the query depends on, and its values.

        Raises:
            TypeError: a key has another number of values than its order has columns.
        """
        is_backwards = self.before is not None
        key = self.before if is_backwards else self.after
        if key is None and not self.order:
            key = _FIRST_KEY  # so that the first page in the usual order shares its plan with the others
        shape = PageShape(self.order, key is not None, is_backwards, self.count)
        values = {"limit": self.limit + 1, "offset": self.offset}  # one more, to see whether there is another page
        return shape, values if key is None else values | _key_values(shape.key_names, key)

    def key_of(self, row: Row) -> Key:
        """Return the place of a row, with which another request can begin."""
        return tuple(getattr(row, name) for name in PageShape(self.order).key_names)


def _key_values(names: tuple[str, ...], key: Key) -> dict[str, Any]:
    if len(key) != len(names):
        raise TypeError(f"A key in the order of {', '.join(names)} has {len(names)} values, not {len(key)}.")
    return {f"key_{name}": value for name, value in zip(names, key, strict=True)}


class Page(msgspec.Struct, frozen=True, gc=False):
    """The rows, whether there are more in the direction of the request, and the number of all rows, where asked."""

    rows: list[Row]
    more: bool
    total: int | None = None

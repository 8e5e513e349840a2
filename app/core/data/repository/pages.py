"""Pages: the request for a page of a list, and the page."""

from typing import Any

import msgspec

from app.core.data.repository.rows import Row
from app.core.data.sql.pages import PageShape

Key = tuple[Any, ...]
"""The position of a row in an order: its values in the columns of the order, the id last."""

_FIRST_KEY = (0,)  # the key before the first row, in the order of ids


class PageRequest(msgspec.Struct, frozen=True, gc=False):
    """A request for `limit` rows after or before a key, or after the first `offset` rows.

    `order` names columns that are not nullable, sorted in ascending order; `id` is always the last one. With `count`
    the page has the number of all rows.
    """

    limit: int
    offset: int = 0
    order: tuple[str, ...] = ()
    after: Key | None = None
    before: Key | None = None
    count: bool = False

    def query(self) -> tuple[PageShape, dict[str, Any]]:
        """Return the shape of the query, and the values of its parameters."""
        is_backwards = self.before is not None
        key = self.before if is_backwards else self.after
        if key is None and not self.order:
            key = _FIRST_KEY  # so that the first page has the same SQL as the other pages
        shape = PageShape(self.order, key is not None, is_backwards, self.count)
        values = {"limit": self.limit + 1, "offset": self.offset}  # one more, which shows whether there is another page
        return shape, values if key is None else values | _key_values(shape.key_names, key)

    def key_of(self, row: Row) -> Key:
        return tuple(getattr(row, name) for name in PageShape(self.order).key_names)


def _key_values(names: tuple[str, ...], key: Key) -> dict[str, Any]:
    if len(key) != len(names):
        raise TypeError(f"A key in the order of {', '.join(names)} has {len(names)} values, not {len(key)}.")
    return {f"key_{name}": value for name, value in zip(names, key, strict=True)}


class Page(msgspec.Struct, frozen=True, gc=False):
    """The rows, whether more follow in the direction of the request, and the number of all rows if requested."""

    rows: list[Row]
    more: bool
    total: int | None = None

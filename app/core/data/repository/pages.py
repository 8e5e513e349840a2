"""Pages: what is asked of a list, and what comes back."""

from typing import Any

import msgspec

from app.core.data.repository.rows import Row
from app.core.data.sql.pages import PageShape

Key = tuple[Any, ...]
"""The place of a row in an order: its values of the order's columns, the id last."""

_BEFORE_ALL = (0,)  # the key before the first row, in the order of ids


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

    @property
    def is_backwards(self) -> bool:
        return self.before is not None

    @property
    def shape(self) -> PageShape:
        """What the query depends on, apart from its values."""
        return PageShape(self.order, self._edge is not None, self.is_backwards, self.count)

    @property
    def values(self) -> dict[str, Any]:
        """The values of the query.

        Raises:
            TypeError: a key has another number of values than its order has columns.
        """
        values = {"limit": self.limit + 1, "offset": self.offset}  # one more, to see whether there is another page
        edge = self._edge
        if edge is None:
            return values
        names = PageShape(self.order).key_names
        if len(edge) != len(names):
            raise TypeError(f"A key in the order of {', '.join(names)} has {len(names)} values, not {len(edge)}.")
        return values | {f"key_{name}": value for name, value in zip(names, edge, strict=True)}

    def key_of(self, row: Row) -> Key:
        """Return the place of a row, with which another request can begin."""
        return tuple(getattr(row, name) for name in PageShape(self.order).key_names)

    @property
    def _edge(self) -> Key | None:
        edge = self.after if self.before is None else self.before
        # Ids begin at 1. With one query for first and later pages in the usual order, one plan serves both.
        return _BEFORE_ALL if edge is None and not self.order else edge


class Page(msgspec.Struct, frozen=True, gc=False):
    """The rows, whether there are more in the direction of the request, and the number of all rows, where asked."""

    rows: list[Row]
    more: bool
    total: int | None = None

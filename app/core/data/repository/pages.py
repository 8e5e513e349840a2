"""Pages: the request for a page of a list, and the page."""

from typing import Any, Final

import msgspec

from app.core.data.repository.rows import Row
from app.core.data.sql.conditions import Condition, Sort, before_id
from app.core.data.sql.filters import Filter, bind_filter
from app.core.data.sql.pages import Count, PageShape
from app.core.data.sql.relations import NOT_RELATED, Related

Key = tuple[Any, ...]
"""The position of a row in an order: its values in the columns of the order, the id last."""

_ALL: Final = Filter()
_FIRST_KEY: Final = (0,)  # the key before the first row, in the order of ids


class PageRequest(msgspec.Struct, frozen=True, gc=False):
    """A request for `limit` rows after or before a key, or after the first `offset` rows.

    Rows are sorted by `order`, nulls last, and then by `id`, which may be the only field of `order`. A row matches all
    `conditions`, sorted by field and operator, and has each of the `words`, which are folded, in one of its searchable
    fields. `values` has one value for each condition: of the field's type, a list of them for `in`, a text
    that is not folded for `icontains` and `istartswith`, None for `isnull` and `notnull`, and for an expression a
    tuple, or a function that returns it. `fields` are the fields of the rows beside `id`; all of them if it is empty.
    `expand` names the relations of which each row has the rows, and `counts` the referrers that are counted.
    """

    limit: int
    offset: int = 0
    order: tuple[Sort, ...] = ()
    after: Key | None = None
    before: Key | None = None
    count: Count | None = None
    conditions: tuple[Condition, ...] = ()
    values: tuple[Any, ...] = ()
    words: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    expand: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()

    def query(self) -> tuple[PageShape, dict[str, Any]]:
        """Return the shape of the query, and the values of its parameters."""
        is_backwards = self.before is not None
        key = self.before if is_backwards else self.after
        if key is None and not self.order:
            key = _FIRST_KEY  # so that the first page has the same SQL as the other pages
        # One row more, which shows whether there is another page.
        values = {"limit": self.limit + 1, "offset": self.offset}
        if self.order:
            values["reach"] = self.limit + 1 + self.offset
        chosen, bound = bind_filter(self.conditions, self.values, self.words) if self._is_filtered else (_ALL, {})
        nulls = None if key is None else tuple(value is None for value in key[:-1])
        shape = PageShape(self.order, nulls, is_backwards, self.count, chosen, self.fields, self.related)
        return shape, values | bound | self._bind_key(key)

    @property
    def related(self) -> Related:
        return Related(self.expand, self.counts) if self.expand or self.counts else NOT_RELATED

    @property
    def _is_filtered(self) -> bool:
        return bool(self.conditions or self.words)

    def _bind_key(self, key: Key | None) -> dict[str, Any]:
        if key is None:
            return {}
        names = [*(sort.field for sort in before_id(self.order)), "id"]
        if len(key) != len(names):
            raise TypeError(f"A key in the order of {', '.join(names)} has {len(names)} values, not {len(key)}.")
        values = {f"key_{place}": value for place, value in enumerate(key[:-1]) if value is not None}
        return values | {"key_id": key[-1]}


class Page(msgspec.Struct, frozen=True, gc=False):
    """The rows, whether more follow in the direction of the request, and the number of all rows if requested.

    `has_more_than_total` says that the number was not counted to the end. The keys are those of the first and of the
    last row; a page without rows has none.
    """

    rows: list[Row]
    more: bool
    total: int | None = None
    has_more_than_total: bool = False
    first_key: Key | None = None
    last_key: Key | None = None

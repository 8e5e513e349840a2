"""The rows of a page, from the values that its query returns."""

from collections.abc import Callable
from functools import lru_cache
from operator import itemgetter
from typing import Any

from msgspec import UNSET

from app.core.data.connection.compiled import Rows
from app.core.data.repository.pages import Key, Page, PageRequest
from app.core.data.repository.related_rows import RelatedReader
from app.core.data.repository.rows import Row, row_struct
from app.core.data.sql.conditions import Sort, before_id
from app.core.data.sql.pages import MAX_ESTIMATE, page_columns
from app.core.data.sql.relations import NOT_RELATED, Related
from app.core.data.sql.shapes import MAX_SHAPES
from app.core.data.tables.owned import Owned
from app.core.data.tables.queryable import order_column
from app.core.data.tables.registry import columns_of, table_of


class PageReader:
    """Reads the pages of a table in one order, and with one set of fields and relations."""

    def __init__(self, model: type[Owned], order: tuple[Sort, ...], fields: tuple[str, ...], related: Related) -> None:
        columns = page_columns(model, order, fields, related)
        places = {column.key: place for place, column in enumerate(columns)}
        table = table_of(model)
        self._id = places["id"]
        self._keys = [*(places[order_column(table, sort.field).key] for sort in before_id(order)), self._id]
        chosen = {name: places[name] for name in ("id", *fields)} if fields else {}
        self._related = RelatedReader(model, related, places) if related != NOT_RELATED else None
        self._to_row = _row_maker(model, chosen, whole=len(columns) == len(columns_of(model)) and not self._related)

    def read(self, request: PageRequest, found: Rows) -> Page:
        """Return the page with the rows that the query found."""
        total, values = None, found
        if request.count:
            total, values = found[0][0], [row[1:] for row in found]
            found = [row for row in values if row[self._id] is not None]
        if self._related:
            found = self._related.found(values)
        shown = found[: request.limit] if request.before is None else found[: request.limit][::-1]
        is_cut = total is not None and request.count == "estimated" and total > MAX_ESTIMATE
        return Page(
            self._rows(shown, values),
            len(found) > request.limit,
            MAX_ESTIMATE if is_cut else total,
            is_cut,
            self._key_of(shown[0]) if shown else None,
            self._key_of(shown[-1]) if shown else None,
        )

    def _rows(self, shown: Rows, values: Rows) -> list[Row]:
        if not self._related:
            return [self._to_row(row) for row in shown]
        add = self._related.adder(values)
        return [add(row, self._to_row(row)) for row in shown]

    def _key_of(self, row: tuple[Any, ...]) -> Key:
        return tuple([row[place] for place in self._keys])


@lru_cache(maxsize=MAX_SHAPES)
def page_reader(
    model: type[Owned], order: tuple[Sort, ...], fields: tuple[str, ...], related: Related = NOT_RELATED
) -> PageReader:
    """Return the reader, which is made once."""
    return PageReader(model, order, fields, related)


def _row_maker(model: type[Owned], places: dict[str, int], *, whole: bool) -> Callable[[tuple[Any, ...]], Row]:
    struct, names = row_struct(model), [column.key for column in columns_of(model)]
    if places:
        # The Struct of all fields, because one class for each set of fields would let clients fill the memory. A
        # field that is UNSET is not in the JSON.
        take = itemgetter(*(places.get(name, -1) for name in names))
        return lambda row: struct(*take((*row, UNSET)))
    if whole:
        return lambda row: struct(*row)
    return lambda row: struct(*row[: len(names)])

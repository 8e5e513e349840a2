"""Pages: keyset pagination. A page starts after a key, which is the values of a row in the columns of the order."""

from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, Table, bindparam, func, select, true, tuple_

from app.core.data.sql.shapes import MAX_SHAPES
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import table_of, visible_columns


class PageShape(NamedTuple):
    """The parts of a page's query that change its SQL; `order` names the columns before `id`, which is always last."""

    order: tuple[str, ...] = ()
    has_key: bool = True
    is_backwards: bool = False
    is_counted: bool = False

    @property
    def key_names(self) -> tuple[str, ...]:
        return (*self.order, "id")


@lru_cache(maxsize=MAX_SHAPES)
def page_of(model: type[Owned], shape: PageShape) -> Select[Any]:
    """Return the query of a page; if it is counted, the first column is the number of all rows.

    Its parameters are `limit`, `offset`, and `key_<column>` for each of `key_names` if the shape has a key.
    """
    table = table_of(model)
    _check_order(model.__name__, table, shape.order)
    return _counted_page(table, shape) if shape.is_counted else _page(table, shape)


def _page(table: Table, shape: PageShape) -> Select[Any]:
    limit, offset = (bindparam(name, type_=BigInteger) for name in ("limit", "offset"))
    page = select(*visible_columns(table)).order_by(*_sorted_by(table.c, shape)).limit(limit).offset(offset)
    return page.where(_after_key(table, shape)) if shape.has_key else page


def _counted_page(table: Table, shape: PageShape) -> Select[Any]:
    # An outer join, so that an empty page has the count too.
    total = select(func.count().label("rows")).select_from(table).subquery("total")
    page = _page(table, shape).subquery("page")
    joined = total.outerjoin(page, true())
    return select(total.c.rows, *page.c).select_from(joined).order_by(*_sorted_by(page.c, shape))


def _sorted_by(columns: Any, shape: PageShape) -> list[ColumnElement[Any]]:
    names = shape.key_names
    return [columns[name].desc() if shape.is_backwards else columns[name] for name in names]


def _after_key(table: Table, shape: PageShape) -> ColumnElement[bool]:
    columns = [table.c[name] for name in shape.key_names]
    values = [bindparam(f"key_{column.key}", type_=column.type) for column in columns]
    # A comparison of row values, so that the database reads one range of the index.
    left, right = (columns[0], values[0]) if len(columns) == 1 else (tuple_(*columns), tuple_(*values))
    is_after: ColumnElement[bool] = left < right if shape.is_backwards else left > right
    return is_after


def _check_order(name: str, table: Table, order: tuple[str, ...]) -> None:
    for column in order:
        if column == "id" or column not in table.c:
            raise TypeError(f"A page of {name} cannot be sorted by {column!r}: name columns of the table, without id.")
        if table.c[column].nullable:
            raise TypeError(
                f"A page of {name} cannot be sorted by {column!r}, because a comparison with null is never true;"
                " name columns that cannot be null."
            )

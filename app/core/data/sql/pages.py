"""Pages: keyset pagination. A page starts after a key, which is the values of a row in the columns of the order."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Select,
    Table,
    bindparam,
    func,
    literal,
    select,
    true,
    union_all,
)

from app.core.data.sql.conditions import Sort, before_id, is_id_descending
from app.core.data.sql.filters import Filter, conditions_of
from app.core.data.sql.keysets import Branch, Conditions, Keyset, directed, reach
from app.core.data.sql.relations import NOT_RELATED, Related, reference_columns, with_related
from app.core.data.sql.shapes import MAX_SHAPES
from app.core.data.tables.owned import Owned
from app.core.data.tables.queryable import order_column
from app.core.data.tables.registry import table_of, visible_columns

MAX_ESTIMATE: Final = 10_000
"""The rows that `count=estimated` counts at most."""

Count = Literal["exact", "estimated"]


class PageShape(NamedTuple):
    """The parts of a page's query that change its SQL.

    `key` says for each column of the order whether the key has a null in it; None without a key. `fields` are those
    of the rows beside `id`; all of them if it is empty.
    """

    order: tuple[Sort, ...] = ()
    key: tuple[bool, ...] | None = ()
    is_backwards: bool = False
    counted: Count | None = None
    chosen: Filter = Filter()
    fields: tuple[str, ...] = ()
    related: Related = NOT_RELATED


@lru_cache(maxsize=MAX_SHAPES)
def page_of(model: type[Owned], shape: PageShape, dialect: str) -> Select[Any]:
    """Return the query of a page on this database; if it is counted, the first column is the number of all rows.

    The other columns are `page_columns`, and those of `with_related` if there are relations. Its parameters are
    `limit`, `offset`, `reach` (their sum), those of `bind_filter`, and those of the key: `key_id`, and `key_0`,
    `key_1`... for each value that is not null.
    """
    _check_order(model, shape.order)
    table, filters = table_of(model), tuple(conditions_of(model, shape.chosen))
    page = _page(table, page_columns(model, shape.order, shape.fields, shape.related), shape, filters, dialect)
    if shape.counted:
        page = _counted_page(table, shape, filters, page)
    if shape.related == NOT_RELATED:
        return page
    return with_related(page, model, shape.related, lambda columns: _sorted_by(columns, table, shape))


@lru_cache(maxsize=MAX_SHAPES)
def page_columns(
    model: type[Owned], order: tuple[Sort, ...], fields: tuple[str, ...], related: Related = NOT_RELATED
) -> tuple[Column[Any], ...]:
    """Return the columns of a page: those of the rows, and then the columns of the order that the rows do not have."""
    table = table_of(model)
    chosen = {"id", *fields, *reference_columns(model, related)}
    visible = [column for column in visible_columns(table) if not fields or column.key in chosen]
    return tuple(dict.fromkeys((*visible, *(order_column(table, sort.field) for sort in order))))


def _page(
    table: Table, columns: Sequence[Column[Any]], shape: PageShape, filters: Conditions, dialect: str
) -> Select[Any]:
    limit, offset = (bindparam(name, type_=BigInteger, required=True) for name in ("limit", "offset"))
    keyset = Keyset(table, shape.order, shape.key, is_backwards=shape.is_backwards)
    branches = list(keyset.branches(filters))
    if len(branches) == 1:
        return _select(columns, branches[0]).limit(limit).offset(offset)
    # SQLite merges ordered ranges of an index row by row, which takes half the time of CTEs. But it reads the first row
    # of each: with filters these may be all rows of a range, and with several fields it may have to sort them.
    is_merged = dialect == "sqlite" and not filters and len(before_id(shape.order)) == 1
    parts = [select(*columns).where(*each.conditions) for each in branches] if is_merged else _parts(columns, branches)
    rows = union_all(*parts).subquery("found")
    return select(*rows.c).order_by(*_sorted_by(rows.c, table, shape)).limit(limit).offset(offset)


def _select(columns: Sequence[Column[Any]], branch: Branch) -> Select[Any]:
    return select(*columns).where(*branch.conditions).order_by(*branch.order)


def _parts(columns: Sequence[Column[Any]], branches: Sequence[Branch]) -> Iterator[Select[Any]]:
    # Each branch reads the rows that are missing after the branches before it, so the last ones are often not read.
    missing: ColumnElement[Any] = reach()
    for place, branch in enumerate(branches):
        rows = _select(columns, branch).limit(missing).cte(f"_part_{place}")
        missing -= select(func.count()).select_from(rows).scalar_subquery()
        yield select(rows)


def _counted_page(table: Table, shape: PageShape, filters: Conditions, page: Select[Any]) -> Select[Any]:
    # An outer join, so that an empty page has the count too.
    total, rows = _count(table, shape, filters).subquery("total"), page.subquery("page")
    joined = total.outerjoin(rows, true())
    return select(total.c.rows, *rows.c).select_from(joined).order_by(*_sorted_by(rows.c, table, shape))


def _count(table: Table, shape: PageShape, filters: Conditions) -> Select[Any]:
    if shape.counted == "exact":
        return select(func.count().label("rows")).select_from(table).where(*filters)
    # The planner's estimate would be wrong with filters, and reveal the rows of others.
    some = select(literal(1).label("one")).select_from(table).where(*filters).limit(MAX_ESTIMATE + 1).subquery("some")
    return select(func.count().label("rows")).select_from(some)


def _sorted_by(columns: Any, table: Table, shape: PageShape) -> Iterator[ColumnElement[Any]]:
    for sort in before_id(shape.order):
        column = order_column(table, sort.field)
        falls = sort.is_descending is not shape.is_backwards
        yield directed(columns[column.key], falls, shape.is_backwards if column.nullable else None)
    yield directed(columns.id, is_id_descending(shape.order) is not shape.is_backwards)


def _check_order(model: type[Owned], order: tuple[Sort, ...]) -> None:
    names = [column.key for column in visible_columns(table_of(model)) if column.key != "id"]
    fields = [sort.field for sort in before_id(order)]
    for place, field in enumerate(fields):
        if field not in names or field in fields[:place]:
            raise TypeError(
                f"A page of {model.__name__} cannot be sorted by {field!r}: name other columns once, or `id` alone."
            )

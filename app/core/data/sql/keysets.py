"""Keysets: the rows after a key in an order, as branches that each read one range of an index."""

# Problem: `due_at > :d OR (due_at = :d AND id > :i) OR due_at IS NULL` reads all rows of the owner and sorts them, and
# so does an order whose directions differ from the index, and NULLS LAST where an index has nulls first. Decision: one
# branch for each range, each with its own order and limit; `sql/pages.py` joins them by UNION ALL.

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    ColumnElement,
    Float,
    Integer,
    Numeric,
    Table,
    and_,
    bindparam,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from app.core.data.sql.conditions import Sort, before_id, is_id_descending
from app.core.data.sql.operators import stored_type
from app.core.data.sql.text_search import folded
from app.core.data.tables.folds import Fold
from app.core.data.tables.queryable import order_column

Conditions = tuple[ColumnElement[bool], ...]


class Branch(NamedTuple):
    """A range of the rows, and the order in which the index has them."""

    conditions: Conditions
    order: tuple[ColumnElement[Any], ...]


class Keyset:
    """The rows after a key, in an order that may be reversed as a whole.

    `key` says for each column of the order whether the key has a null in it; None without a key. Parameters of the
    branches are `key_0`, `key_1`... for each value of the key that is not null, `key_id`, and `reach`, the number of
    rows that each branch reads.
    """

    def __init__(
        self, table: Table, order: tuple[Sort, ...], key: Sequence[bool] | None, *, is_backwards: bool
    ) -> None:
        self._id = table.c.id
        self._columns = [order_column(table, sort.field) for sort in before_id(order)]
        self._falls = [sort.is_descending is not is_backwards for sort in before_id(order)]
        self._id_falls = is_id_descending(order) is not is_backwards
        self._key = key
        self._is_backwards = is_backwards

    def branches(self, filters: Conditions) -> Iterator[Branch]:
        """Yield the branches with the rows that match the filters, in the order of their rows."""
        if self._key is not None:
            # Not `(due_at, id) > (:d, :i)`: SQLite would read all rows with this value.
            beyond = _beyond(self._id, "key_id", falls=self._id_falls)
            yield self._branch(len(self._columns), beyond, (Unindexed(*filters),) if filters else ())
        elif not self._columns or not self._falls[0]:
            # Both databases read nulls last from an ascending index; PostgreSQL does not so from a descending one.
            yield Branch(filters, tuple(self._sorted()))
            return
        # First the rows that have the most values in common with the key.
        for level in reversed(range(len(self._columns[:1] if self._key is None else self._columns))):
            yield from self._after(level, filters)

    def _after(self, level: int, filters: Conditions) -> Iterator[Branch]:
        # The rows that equal the key in the columns before this level, and are after it at this level. Nulls are last.
        column = self._columns[level]
        is_after_null = self._key is not None and self._key[level]
        if self._is_backwards or not is_after_null:
            yield self._branch(level, self._beyond(level), filters)
        if column.nullable and not self._is_backwards and not is_after_null:
            yield self._branch(level, None, (*filters, column.is_(None)), fixed=level + 1)

    def _beyond(self, level: int) -> ColumnElement[bool] | None:
        column, falls = self._columns[level], self._falls[level]
        if self._key is None or self._key[level]:
            return IsPresent(column) if column.nullable else None
        return _beyond(column, f"key_{level}", falls=falls)

    def _branch(
        self, level: int, beyond: ColumnElement[bool] | None, others: Conditions, fixed: int | None = None
    ) -> Branch:
        equal = [self._equal(place) for place in range(level)]
        # A column with one value has the direction of `id`, as in the index.
        same = level if fixed is None else fixed
        order = [directed(column, self._id_falls) for column in self._columns[:same]]
        for place in range(same, len(self._columns)):
            # At this level the range has no nulls; after it, they must be in their place.
            has_nulls = self._columns[place].nullable and place > level
            order.append(directed(self._columns[place], self._falls[place], self._is_backwards if has_nulls else None))
        conditions = (*others, *equal, *(() if beyond is None else (beyond,)))
        return Branch(conditions, (*order, directed(self._id, self._id_falls)))

    def _sorted(self) -> Iterator[ColumnElement[Any]]:
        for column, falls in zip(self._columns, self._falls, strict=True):
            yield directed(column, falls, self._is_backwards if column.nullable else None)
        yield directed(self._id, self._id_falls)

    def _equal(self, place: int) -> ColumnElement[bool]:
        column = self._columns[place]
        if self._key is not None and self._key[place]:
            return column.is_(None)
        return column == _parameter(column, f"key_{place}")


class Unindexed(FunctionElement[bool]):
    """Conditions for which SQLite uses no index."""

    # Without statistics SQLite would take the index of any field with a value: of the open tasks that are due at one
    # moment, it would read all open tasks. Only few rows have the values of a key.
    type = Boolean()
    inherit_cache = True


@compiles(Unindexed)
def _compile_unindexed(element: Unindexed, compiler: SQLCompiler, **kw: Any) -> str:
    sign = "+" if compiler.dialect.name == "sqlite" else ""
    return f"{sign}({compiler.process(and_(*element.clauses), **kw)})"


class IsPresent(FunctionElement[bool]):
    """The condition that a column is not null, as a range of an index."""

    type = Boolean()
    inherit_cache = True


@compiles(IsPresent, "postgresql")
def _compile_for_postgresql(element: IsPresent, compiler: SQLCompiler, **kw: Any) -> str:
    (column,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"{column} IS NOT NULL"


@compiles(IsPresent, "sqlite")
def _compile_for_sqlite(element: IsPresent, compiler: SQLCompiler, **kw: Any) -> str:
    # For IS NOT NULL, SQLite would read all nulls of the index. It sorts numbers before texts.
    (column,) = element.clauses
    least = "-9e999" if isinstance(stored_type(column), Integer | Numeric | Float | Boolean) else "''"
    return f"{compiler.process(column, **kw)} >= {least}"


def _beyond(column: ColumnElement[Any], name: str, *, falls: bool) -> ColumnElement[bool]:
    value = _parameter(column, name)
    return column < value if falls else column > value


def _parameter(column: ColumnElement[Any], name: str) -> BindParameter[Any]:
    if isinstance(column.type, Fold):
        return folded(name)
    return bindparam(name, type_=column.type, required=True)


def reach() -> BindParameter[Any]:
    """Return the parameter for the number of rows that each branch reads."""
    return bindparam("reach", type_=BigInteger, required=True)


def directed(column: ColumnElement[Any], falls: bool, nulls_first: bool | None = None) -> ColumnElement[Any]:
    """Return a column as a part of ORDER BY; None for a column without nulls."""
    part = column.desc() if falls else column
    if nulls_first is None:
        return part
    return part.nulls_first() if nulls_first else part.nulls_last()

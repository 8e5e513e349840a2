"""The statements of a repository about one row, cached for each table; the compiler adds the owner."""

from functools import cache, lru_cache
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Select, Table, and_, bindparam, delete, false, select, update
from sqlalchemy.sql.dml import ReturningDelete, ReturningUpdate

from app.core.data.sql.relations import Related, with_related
from app.core.data.sql.shapes import MAX_SHAPES
from app.core.data.sql.value_lists import any_of
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import table_of, visible_columns
from app.core.data.tables.versions import CHANGED_AT, changed_at

NEW_PREFIX: Final = "new_"
"""The prefix of a column's name in the parameter of its new value; SQLAlchemy reserves the name itself."""

Expressions = tuple[tuple[str, ColumnElement[Any]], ...]
"""The columns whose new values the database computes from the row, with their SQL expressions."""


@cache
def select_of(model: type[Owned]) -> Select[Any]:
    """Return the SELECT of the row with the id `_id`."""
    table, condition = _table_and_condition(model, False)
    return select(*visible_columns(table)).where(condition)


@lru_cache(maxsize=MAX_SHAPES)
def select_related_of(model: type[Owned], related: Related) -> Select[Any]:
    """Return the SELECT of the row with the id `_id`, with its relations, as `with_related` does."""
    return with_related(select_of(model), model, related)


@cache
def ids_of(model: type[Owned]) -> Select[Any]:
    """Return the SELECT of the ids in the list `_ids` that rows have."""
    table = table_of(model)
    return select(table.c.id).where(any_of(table.c.id, "_ids"))


# Clients choose the set of columns.
@lru_cache(maxsize=MAX_SHAPES)
def update_of(
    model: type[Owned], names: frozenset[str], expressions: Expressions = (), *, at_version: bool
) -> ReturningUpdate[Any]:
    """Return the UPDATE of the row, which sets the named columns to `new_<column>` and returns the row.

    A row that has all of the values already keeps its version. With `at_version` it changes a row only if its last
    change was at `_since` or later and before `_until`.
    """
    table, condition = _table_and_condition(model, at_version)
    values: dict[str, ColumnElement[Any]] = dict(expressions)
    values |= {name: bindparam(f"{NEW_PREFIX}{name}", type_=table.c[name].type) for name in sorted(names)}
    changes: dict[str, Any] = dict(values)
    if CHANGED_AT in table.c and CHANGED_AT not in names:
        changes[CHANGED_AT] = changed_at(table, values)
    return update(table).where(condition).values(changes).returning(*visible_columns(table))


@cache
def delete_of(model: type[Owned], *, at_version: bool) -> ReturningDelete[Any]:
    """Return the DELETE of the row, which returns its id; `at_version` as in `update_of`."""
    table, condition = _table_and_condition(model, at_version)
    return delete(table).where(condition).returning(table.c.id)


def _table_and_condition(model: type[Owned], at_version: bool) -> tuple[Table, ColumnElement[bool]]:
    table = table_of(model)
    condition = table.c.id == bindparam("_id", type_=BigInteger)
    if not at_version:
        return table, condition
    changed = table.c.get(CHANGED_AT)
    if changed is None:  # the table has no versions, so no version matches
        return table, and_(condition, false())
    since, until = (bindparam(name, type_=changed.type) for name in ("_since", "_until"))
    return table, and_(condition, changed >= since, changed < until)

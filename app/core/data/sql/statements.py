"""The statements of a repository about one row: each is written once for a table, and only its values change.

They do not name the owner: the compiler adds it. Those of a page are in `pages.py`.
"""

from functools import cache, lru_cache
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Select, Table, and_, bindparam, delete, false, select, update
from sqlalchemy.sql.dml import ReturningDelete, ReturningUpdate

from app.core.data.sql.shapes import MAX_SHAPES
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import table_of
from app.core.data.tables.versions import CHANGED_AT, changed_at

NEW_PREFIX: Final = "new_"
"""What stands before the name of a column in the name of its new value: SQLAlchemy keeps the name itself."""


@cache
def select_of(model: type[Owned]) -> Select[Any]:
    """Return the query of the row with `_id`."""
    table, condition = _table_and_condition(model, False)
    return select(*table.c).where(condition)


# A client chooses the set of columns.
@lru_cache(maxsize=MAX_SHAPES)
def update_of(model: type[Owned], names: frozenset[str], *, at_version: bool) -> ReturningUpdate[Any]:
    """Return what gives the columns of these names new values, and returns the row as it is then.

    A row that has all of them already is not changed: its state stays.
    Here and below, `at_version` only if the row was changed last between `_since` and `_until`.
    """
    table, condition = _table_and_condition(model, at_version)
    values = {name: bindparam(f"{NEW_PREFIX}{name}", type_=table.c[name].type) for name in sorted(names)}
    changes: dict[str, Any] = dict(values)
    if CHANGED_AT in table.c and CHANGED_AT not in names:
        changes[CHANGED_AT] = changed_at(table, values)
    return update(table).where(condition).values(changes).returning(*table.c)


@cache
def delete_of(model: type[Owned], *, at_version: bool) -> ReturningDelete[Any]:
    """Return what deletes that row and returns its id."""
    table, condition = _table_and_condition(model, at_version)
    return delete(table).where(condition).returning(table.c.id)


def _table_and_condition(model: type[Owned], at_version: bool) -> tuple[Table, ColumnElement[bool]]:
    table = table_of(model)
    condition = table.c.id == bindparam("_id", type_=BigInteger)
    if not at_version:
        return table, condition
    changed = table.c.get(CHANGED_AT)
    if changed is None:  # nobody can have seen a state of a row that has none
        return table, and_(condition, false())
    since, until = (bindparam(name, type_=changed.type) for name in ("_since", "_until"))
    return table, and_(condition, changed >= since, changed < until)

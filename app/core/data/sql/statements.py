"""The queries of a repository: each is written once for a table, and only its values change.

None names the owner: the compiler does.
"""

from functools import cache, lru_cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    false,
    func,
    select,
    true,
    update,
)
from sqlalchemy.sql.dml import ReturningDelete, ReturningUpdate

from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import table_of
from app.core.data.tables.versions import CHANGED_AT, changed_at

NEW: Final = "new_"
"""What stands before the name of a column in the name of its new value: SQLAlchemy keeps the name itself."""


@cache
def page_of(model: type[Owned], *, backwards: bool, count: bool) -> Select[Any]:
    """Return the query of one part of the list in the order of ids; with `count`, joined to the number of all rows.

    Its values are `limit`, `offset`, and `edge`: the id before, or behind, which it begins.
    """
    write = _page_and_total if count else _page
    return write(table_of(model), backwards)


@cache
def select_of(model: type[Owned]) -> Select[Any]:
    """Return the query of the row with `_id`."""
    table, asked = _asked_for(model, False)
    return select(*table.c).where(asked)


# Bounded, because a table has as many as it has sets of columns, and a client chooses the set.
@lru_cache(maxsize=1000)
def update_of(model: type[Owned], names: frozenset[str], *, at_version: bool) -> ReturningUpdate[Any]:
    """Return what gives the columns of these names new values, and returns the row as it is then.

    A row that has all of them already is not changed: its state stays.
    Here and below, `at_version` only if the row was changed last between `_since` and `_until`.
    """
    table, asked = _asked_for(model, at_version)
    values = {name: bindparam(f"{NEW}{name}", type_=table.c[name].type) for name in sorted(names)}
    changes: dict[str, Any] = dict(values)
    if CHANGED_AT in table.c and CHANGED_AT not in names:
        changes[CHANGED_AT] = changed_at(table, values)
    return update(table).where(asked).values(changes).returning(*table.c)


@cache
def delete_of(model: type[Owned], *, at_version: bool) -> ReturningDelete[Any]:
    """Return what deletes that row and returns its id."""
    table, asked = _asked_for(model, at_version)
    return delete(table).where(asked).returning(table.c.id)


def _page(table: Table, backwards: bool) -> Select[Any]:
    limit, offset, edge = (bindparam(name, type_=BigInteger) for name in ("limit", "offset", "edge"))
    beyond = table.c.id < edge if backwards else table.c.id > edge
    order = table.c.id.desc() if backwards else table.c.id
    return select(*table.c).where(beyond).order_by(order).limit(limit).offset(offset)


def _page_and_total(table: Table, backwards: bool) -> Select[Any]:
    """The page joined to the count, which is there even when the page is empty."""
    total = select(func.count().label("rows")).select_from(table).subquery("total")
    page = _page(table, backwards).subquery("page")
    order = page.c.id.desc() if backwards else page.c.id
    return select(total.c.rows, *page.c).select_from(total.outerjoin(page, true())).order_by(order)


def _asked_for(model: type[Owned], at_version: bool) -> tuple[Table, ColumnElement[bool]]:
    table = table_of(model)
    asked = table.c.id == bindparam("_id", type_=BigInteger)
    if not at_version:
        return table, asked
    changed = table.c.get(CHANGED_AT)
    if changed is None:  # nobody can have seen a state of a row that has none
        return table, and_(asked, false())
    since, until = (bindparam(name, type_=changed.type) for name in ("_since", "_until"))
    return table, and_(asked, changed >= since, changed < until)

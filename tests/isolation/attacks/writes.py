"""Writes: they change and delete own rows only."""

from typing import Any

from sqlalchemy import Integer, bindparam, delete, func, select, update
from sqlalchemy.orm import aliased

from app.core.data.tables.owned import Owned
from app.core.data.tables.queryable import folds_of
from tests.isolation.attacks.shapes import CHANGED, LONG_AGO, Attack, core_table, id_of, underneath, writing


def _joined_update(model: Any, theirs: Owned) -> Any:
    other = aliased(model)
    joined = update(model).where(other.id == model.id, other.id == theirs.id).values({CHANGED: LONG_AGO})
    return joined.execution_options(synchronize_session=False)


def _joined_delete(model: type[Owned], theirs: Owned) -> Any:
    other = core_table(model).alias()
    return delete(core_table(model)).where(core_table(model).c.id == theirs.id, other.c.id == core_table(model).c.id)


def _aliased_update(model: type[Owned], _: Owned) -> Any:
    other = core_table(model).alias()
    return update(other).values({CHANGED: LONG_AGO})


def _update_or(model: Any, theirs: Owned) -> Any:
    row_id, given = core_table(model).c.id, theirs.id
    return update(core_table(model)).where(lambda: (row_id == given) | (row_id != given)).values({CHANGED: LONG_AGO})


def _folded_texts(model: type[Owned], _: Owned) -> Any:
    # The compiler adds the fold of each text, after the owner's condition.
    return update(model).values({CHANGED: LONG_AGO, **dict.fromkeys(folds_of(model), "taken")})


def _by_key(model: type[Owned], _: Owned) -> Any:
    table = core_table(model)
    return update(table).where(table.c.id == bindparam("row", type_=Integer)).values({CHANGED: LONG_AGO})


def _in_cte(model: type[Owned], theirs: Owned) -> Any:
    table = core_table(model)
    changed = update(table).where(table.c.id == theirs.id).values({CHANGED: LONG_AGO}).returning(table.c.id).cte()
    return select(changed.c.id)


def _deleted_in_cte(model: type[Owned], theirs: Owned) -> Any:
    table = core_table(model)
    return select(delete(table).where(table.c.id == theirs.id).returning(table.c.id).cte().c.id)


WRITES: dict[str, Attack] = {
    "update where": writing(lambda m, t: update(m).where(id_of(m) == t.id).values({CHANGED: LONG_AGO})),
    "update all": writing(lambda m, _: update(m).values({CHANGED: LONG_AGO})),
    "update of texts with folds": writing(_folded_texts),
    "update returning": writing(
        lambda m, t: update(m).where(id_of(m) == t.id).values({CHANGED: LONG_AGO}).returning(id_of(m))
    ),
    "update by parameters": writing(
        lambda m, t: update(m).where(id_of(m) == t.id).execution_options(synchronize_session=False),
        lambda m, _: {CHANGED: LONG_AGO},
    ),
    "update of the core table": writing(lambda m, t: update(core_table(m)).values({CHANGED: LONG_AGO})),
    "update of an alias": writing(_aliased_update),
    "update as core only": writing(
        lambda m, t: update(m).values({CHANGED: LONG_AGO}).execution_options(dml_strategy="core_only")
    ),
    "update where a lambda has an or": writing(_update_or),
    "update by a bound key": writing(_by_key, lambda _, t: {"row": t.id}),
    "update joined with a second entity": writing(_joined_update),
    "delete where": writing(lambda m, t: delete(m).where(id_of(m) == t.id)),
    "delete all": writing(lambda m, _: delete(m)),
    "delete returning": writing(lambda m, t: delete(m).where(id_of(m) == t.id).returning(id_of(m))),
    "delete of the core table": writing(lambda m, t: delete(core_table(m)).where(func.abs(core_table(m).c.id) == t.id)),
    "legacy query update": underneath(lambda s, m, t: s.query(m).filter_by(id=t.id).update({CHANGED: LONG_AGO})),
    "legacy query delete": underneath(lambda s, m, t: s.query(m).filter_by(id=t.id).delete()),
}

# On PostgreSQL only.
POSTGRES_WRITES: dict[str, Attack] = {
    "update in a cte": writing(_in_cte),
    "delete in a cte": writing(_deleted_in_cte),
    "delete joined with a second table": writing(_joined_delete),
}

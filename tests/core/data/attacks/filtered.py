"""What the owner's filter is added to: own rows are found, and no others."""

from typing import Any

from sqlalchemy import (
    delete,
    exists,
    func,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import aliased

from app.core.data.owned import Owned
from app.core.data.rows import columns_of
from app.core.data.session import AppSession
from tests.core.data.attacks.shapes import CHANGED, LONG_AGO, Attack, id_of, reading, underneath, writing


async def _stream(session: AppSession, model: type[Owned], _: Owned) -> Any:
    async with session.atomic():
        return [row async for row in await session.stream(select(model))]


async def _get(session: AppSession, model: type[Owned], theirs: Owned) -> Any:
    return await session.get(model, theirs.id)


async def _get_one_locked(session: AppSession, model: type[Owned], theirs: Owned) -> Any:
    return await session.get(model, theirs.id, populate_existing=True, with_for_update=False)


def _aliased_over_subquery(model: Any) -> Any:
    return select(aliased(model, select(model).subquery()))


def _self_join(model: type[Owned]) -> Any:
    other = aliased(model)
    return select(model, other).join(other, id_of(model) != other.id)


def _outer_self_join(model: type[Owned]) -> Any:
    other: Any = aliased(model)
    return select(id_of(model), other.id).outerjoin(other, id_of(model) != other.id)


def _alias_id(model: Any) -> Any:
    return aliased(model).id


def _cte(model: type[Owned]) -> Any:
    cte = select(*columns_of(model)).cte()
    return select(cte)


READS: dict[str, Attack] = {
    "select entity": reading(select),
    "select columns": reading(lambda m: select(*columns_of(m))),
    "select aliased": reading(lambda m: select(aliased(m))),
    "select aliased over a subquery": reading(_aliased_over_subquery),
    "select from a subquery": reading(lambda m: select(select(*columns_of(m)).subquery())),
    "select from a cte": reading(_cte),
    "self join": reading(_self_join),
    "outer self join": reading(_outer_self_join),
    "in subquery": reading(lambda m: select(m).where(id_of(m).in_(select(id_of(m))))),
    "in aliased subquery": reading(lambda m: select(m).where(id_of(m).in_(select(_alias_id(m))))),
    "exists": reading(lambda m: select(id_of(m)).where(exists().where(id_of(m) > 0))),
    "scalar subquery": reading(lambda m: select(id_of(m), select(func.max(_alias_id(m))).scalar_subquery())),
    "union all": reading(lambda m: union_all(select(id_of(m)), select(id_of(m)))),
    "from_statement of a union": reading(lambda m: select(m).from_statement(union_all(select(m), select(m)))),
    "min and max": reading(lambda m: select(func.min(id_of(m)), func.max(id_of(m)))),
    "stream": _stream,
    "legacy query": underneath(lambda s, m, _: s.query(m).all()),
    "get by id": _get,
    "get by id, fresh": _get_one_locked,
}

COUNTS: dict[str, Attack] = {
    "count": reading(lambda m: select(func.count()).select_from(m)),
    "count of a column": reading(lambda m: select(func.count(id_of(m)))),
    "count over a subquery": reading(lambda m: select(func.count()).select_from(select(m).subquery())),
    "count as a scalar subquery": reading(
        lambda m: select(select(func.count()).select_from(m).scalar_subquery()).select_from(m).limit(1)
    ),
    "window count": reading(lambda m: select(id_of(m), func.count().over()).limit(1)),
    "legacy query count": underneath(lambda s, m, _: [(s.query(m).count(),)]),
}

WRITES: dict[str, Attack] = {
    "update where": writing(lambda m, t: update(m).where(id_of(m) == t.id).values({CHANGED: LONG_AGO})),
    "update all": writing(lambda m, _: update(m).values({CHANGED: LONG_AGO})),
    "update returning": writing(
        lambda m, t: update(m).where(id_of(m) == t.id).values({CHANGED: LONG_AGO}).returning(id_of(m))
    ),
    "update by parameters": writing(
        lambda m, t: update(m).where(id_of(m) == t.id).execution_options(synchronize_session=False),
        lambda m, _: {CHANGED: LONG_AGO},
    ),
    "delete where": writing(lambda m, t: delete(m).where(id_of(m) == t.id)),
    "delete all": writing(lambda m, _: delete(m)),
    "delete returning": writing(lambda m, t: delete(m).where(id_of(m) == t.id).returning(id_of(m))),
    "legacy query update": underneath(lambda s, m, t: s.query(m).filter_by(id=t.id).update({CHANGED: LONG_AGO})),
    "legacy query delete": underneath(lambda s, m, t: s.query(m).filter_by(id=t.id).delete()),
}

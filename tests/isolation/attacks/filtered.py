"""Reads: they return own rows only, however the statement refers to the table."""

from typing import Any

from sqlalchemy import String, case, cast, column, exists, func, literal, select, table, true, tuple_, union_all
from sqlalchemy.orm import aliased, join

from app.core.data.ownership.session import AppSession
from app.core.data.sql.figure_declarations import count
from app.core.data.sql.figures import FiguresShape, figures_of
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import columns_of
from tests.isolation.attacks.shapes import Attack, core_table, id_of, reading, underneath


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


def _core_beside_class(model: type[Owned]) -> Any:
    other = core_table(model).alias()
    return select(id_of(model), other.c.id).join(other, id_of(model) != other.c.id)


def _core_join(model: type[Owned]) -> Any:
    left, right = core_table(model).alias(), core_table(model).alias()
    return select(left.c.id, right.c.id).select_from(left.outerjoin(right, true()))


def _orm_join(model: type[Owned]) -> Any:
    other: Any = aliased(model)
    return select(other.id).select_from(join(model, other, true()))


def _lightweight(model: type[Owned]) -> Any:
    return table(core_table(model).name, column("id"), column("user_id"))


def _lateral(model: type[Owned]) -> Any:
    other = core_table(model).alias()
    nearest = select(func.max(other.c.id).label("id")).where(other.c.id != id_of(model)).scalar_subquery()
    return select(id_of(model), nearest)


def _recursive(model: type[Owned]) -> Any:
    ids = select(core_table(model).c.id).cte(recursive=True)
    return select(ids.union(select(core_table(model).c.id).join(ids, true())).c.id)


def _counted_in_a_cte(model: type[Owned]) -> Any:
    return select(select(func.count().label("rows")).where(func.abs(id_of(model)) > 0).cte().c.rows)


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
    "core select": reading(lambda m: select(core_table(m))),
    "core select, aliased": reading(lambda m: select(core_table(m).alias())),
    "core table beside its class": reading(_core_beside_class),
    "core join": reading(_core_join),
    "orm join": reading(_orm_join),
    "lightweight table": reading(lambda m: select(_lightweight(m).c.id)),
    "lightweight table, aliased": reading(lambda m: select(_lightweight(m).alias().c.id)),
    "a subquery that looks elsewhere": reading(_lateral),
    "recursive cte": reading(_recursive),
    "order by a function": reading(lambda m: select(core_table(m).c.id).order_by(func.abs(id_of(m)))),
    "tuples in a subquery": reading(
        lambda m: select(id_of(m)).where(tuple_(id_of(m)).in_(select(tuple_(core_table(m).alias().c.id))))
    ),
    "from_statement of core": reading(lambda m: select(m).from_statement(select(core_table(m)))),
    "locked": reading(lambda m: select(m).with_for_update()),
    "stream": _stream,
    "legacy query": underneath(lambda s, m, _: s.query(m).all()),
    "get by id": _get,
    "get by id, fresh": _get_one_locked,
}

_TOTAL = (("rows", count("All.")),)

COUNTS: dict[str, Attack] = {
    "count": reading(lambda m: select(func.count()).select_from(m)),
    "count of a column": reading(lambda m: select(func.count(id_of(m)))),
    "count over a subquery": reading(lambda m: select(func.count()).select_from(select(m).subquery())),
    "count as a scalar subquery": reading(
        lambda m: select(select(func.count()).select_from(m).scalar_subquery()).select_from(m).limit(1)
    ),
    "count where a function says so": reading(lambda m: select(func.count()).where(func.abs(id_of(m)) > 0)),
    "count where a case says so": reading(lambda m: select(func.count()).where(case((id_of(m) > 0, 1), else_=0) == 1)),
    "count where a cast says so": reading(lambda m: select(func.count()).where(cast(id_of(m), String) != "")),
    "count in a cte": reading(
        lambda m: select(select(func.count().label("n")).where(func.abs(id_of(m)) > 0).cte().c.n)
    ),
    "count of a core subquery": reading(
        lambda m: select(select(func.count()).select_from(core_table(m)).scalar_subquery())
    ),
    "filtered count": reading(lambda m: select(func.count().filter(func.abs(id_of(m)) > literal(0)))),
    "count in a lambda": reading(lambda m: select(func.count()).where(lambda: core_table(m).c.id > 0)),
    "window count": reading(lambda m: select(id_of(m), func.count().over()).limit(1)),
    "figures": reading(lambda m: figures_of(m, FiguresShape(_TOTAL))),
    "figures in groups": reading(lambda m: figures_of(m, FiguresShape(_TOTAL, "user_id"))),
    "legacy query count": underneath(lambda s, m, _: [(s.query(m).count(),)]),
}

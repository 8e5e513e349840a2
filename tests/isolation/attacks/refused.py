"""Refused attacks: statements that cannot be limited to one owner, and forged objects."""

from collections.abc import Callable
from typing import Any, cast

from sqlalchemy import (
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import make_transient_to_detached

from app.core.data.ownership.engines import unscoped
from app.core.data.ownership.session import AppSession
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import columns_of
from tests.isolation.attacks.shapes import (
    CHANGED,
    LONG_AGO,
    Attack,
    core_table,
    detached,
    id_of,
    reading,
    underneath,
    values_of,
    writing,
)


def _new_values(theirs: Owned) -> dict[str, Any]:
    return {name: value for name, value in values_of(theirs).items() if name != "id"}


def _insert_from_select(model: type[Owned], _: Owned) -> Any:
    names = ["user_id", CHANGED]
    columns = select(*(core_table(model).c[name] for name in names))
    return insert(model).from_select(names, columns, include_defaults=False)


def _upsert(build: Any, *key: str) -> Attack:
    def statement(model: type[Owned], theirs: Owned) -> Any:
        values = values_of(theirs) | {CHANGED: LONG_AGO}
        return build(model).values(values).on_conflict_do_update(index_elements=key, set_={CHANGED: LONG_AGO})

    return writing(statement)


async def _raw_connection(session: AppSession, model: type[Owned], _: Owned) -> Any:
    return (await (await session.connection()).execute(select(core_table(model)))).all()


async def _another_engine(session: AppSession, model: type[Owned], _: Owned) -> Any:
    everyones = unscoped(cast("AsyncEngine", session.bind)).sync_engine
    return (await session.execute(select(core_table(model)), bind_arguments={"bind": everyones})).all()


def _flushed(change: Callable[[Any, type[Owned], Owned], Any]) -> Attack:
    """An attack by the unit of work: change objects, then flush."""

    def call(session: Any, model: type[Owned], theirs: Owned) -> Any:
        result = change(session, model, theirs)
        session.flush()
        return result

    return underneath(call)


def _forge(session: Any, model: type[Owned], theirs: Owned) -> Any:
    """Return a detached row with this session's owner and the id of another owner's row."""
    forged = model(**values_of(theirs) | {"user_id": session.owner or "nobody"})
    make_transient_to_detached(forged)
    session.add(forged)
    return forged


def _forge_and_change(session: Any, model: type[Owned], theirs: Owned) -> None:
    setattr(_forge(session, model, theirs), CHANGED, LONG_AGO)


def _forge_and_delete(session: Any, model: type[Owned], theirs: Owned) -> None:
    session.delete(_forge(session, model, theirs))


def _forge_and_refresh(session: Any, model: type[Owned], theirs: Owned) -> Any:
    forged = _forge(session, model, theirs)
    session.refresh(forged)
    return forged


def _forge_and_expire(session: Any, model: type[Owned], theirs: Owned) -> Any:
    forged = _forge(session, model, theirs)
    session.expire(forged)
    return getattr(forged, CHANGED)


def _insert_into_theirs(session: Any, model: type[Owned], theirs: Owned) -> None:
    session.add(model(**values_of(theirs) | {"id": None}))


def _choose_id(session: Any, model: type[Owned], theirs: Owned) -> None:
    session.add(model(**values_of(theirs) | {"user_id": None}))


def _give_away(session: Any, model: type[Owned], theirs: Owned) -> None:
    mine = session.execute(select(model)).scalars().first()
    mine.user_id = theirs.user_id


def _take_id(session: Any, model: type[Owned], theirs: Owned) -> None:
    mine = session.execute(select(model)).scalars().first()
    mine.id = theirs.id


REFUSED: dict[str, Attack] = {
    "text": reading(lambda m: text(f"SELECT * FROM {core_table(m).name}")),
    "from_statement of text": reading(lambda m: select(m).from_statement(text(f"SELECT * FROM {core_table(m).name}"))),
    "text in where": reading(lambda m: select(m).where(text("1=1 OR 1=1"))),
    "literal column": reading(
        lambda m: select(id_of(m), literal_column(f"(SELECT max(id) FROM {core_table(m).name})"))
    ),
    "raw connection": _raw_connection,
    "bulk update by key": writing(lambda m, _: update(m), lambda m, t: [values_of(t) | {CHANGED: LONG_AGO}]),
    "insert statement": writing(lambda m, t: insert(m).values(_new_values(t))),
    "insert statement, many": writing(lambda m, _: insert(m), lambda _, t: [values_of(t) | {"id": 10**6}]),
    "insert from select": writing(_insert_from_select),
    "upsert, postgresql": _upsert(postgres_insert, "user_id", "id"),
    "upsert, sqlite": _upsert(sqlite_insert, "id"),
    "insert of several rows": writing(lambda m, t: insert(m).values([_new_values(t), _new_values(t)])),
    "insert of a row for another, by parameters": writing(
        lambda m, _: insert(core_table(m)), lambda _, t: _new_values(t)
    ),
    "update of the id": writing(lambda m, t: update(m).where(id_of(m) != t.id).values(id=t.id)),
    "update of the id by the core table": writing(lambda m, t: update(core_table(m)).values(id=t.id)),
    "update of the owner by the core table": writing(lambda m, _: update(core_table(m)).values(user_id="mallory")),
    "another engine": _another_engine,
    "update of the owner": writing(lambda m, _: update(m).values(user_id="mallory")),
    "update of the owner by column": writing(lambda m, _: update(m).values({columns_of(m)[1]: "mallory"})),
    "update of the owner, ordered": writing(lambda m, _: update(m).ordered_values((columns_of(m)[1], "mallory"))),
    "update of the owner by parameters": writing(lambda m, _: update(m), lambda _, __: {"user_id": "mallory"}),
    "bulk_save_objects": underneath(lambda s, _, t: s.bulk_save_objects([detached(t)])),
    "bulk_update_mappings": underneath(lambda s, m, t: s.bulk_update_mappings(m, [{"id": t.id, CHANGED: LONG_AGO}])),
    "bulk_insert_mappings": underneath(lambda s, m, t: s.bulk_insert_mappings(m, [values_of(t) | {"id": 10**6}])),
    "add a row for another": _flushed(_insert_into_theirs),
    "add a row with a chosen id": _flushed(_choose_id),
    "merge": _flushed(lambda s, m, t: s.merge(m(**values_of(t)))),
    "attach another's row": underneath(lambda s, _, t: s.add(detached(t))),
    "delete another's row": _flushed(lambda s, _, t: s.delete(detached(t))),
    "give an own row away": _flushed(_give_away),
    "change an own row's id": _flushed(_take_id),
}

# Objects that name the caller as their owner: the statements that follow are valid, and find no row.
FORGED: dict[str, Attack] = {
    "refresh a row that was not loaded": underneath(lambda s, _, t: s.refresh(detached(t))),
    "forge a row and change it": _flushed(_forge_and_change),
    "forge a row and delete it": _flushed(_forge_and_delete),
    "forge a row and refresh it": underneath(_forge_and_refresh),
    "forge a row and expire it": underneath(_forge_and_expire),
}

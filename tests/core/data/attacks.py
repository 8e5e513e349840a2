"""What a session could be asked about another owner's rows: every statement shape, and every repository method.

An attack is a coroutine (session, model, theirs) -> whatever came back; `theirs` is another owner's stored row. The
same table serves the three layers of isolation and every owned table there is.
"""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from sqlalchemy import (
    String,
    Table,
    column,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    table,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import aliased, make_transient_to_detached

from app.core.data.owned import Owned
from app.core.data.repository import Repository, columns_of
from app.core.data.session import AppSession

Attack = Callable[[AppSession, type[Owned], Owned], Awaitable[Any]]

WORD = "overwritten"


def text_column(model: type[Owned]) -> str:
    """Return the name of a column that an attack can write a word into."""
    return next(c.key for c in columns_of(model) if isinstance(c.type, String) and c.key != "user_id")


def id_of(model: type[Owned]) -> Any:
    """Return the mapped id."""
    return columns_of(model)[0]


async def _rows(session: AppSession, statement: Any, parameters: Any = None) -> Any:
    return (await session.execute(statement, parameters)).all()


def _select(build: Callable[[type[Owned]], Any]) -> Attack:
    """An attack that only reads."""

    async def attack(session: AppSession, model: type[Owned], _: Owned) -> Any:
        return await _rows(session, build(model))

    return attack


def _write(
    build: Callable[[type[Owned], Owned], Any], parameters: Callable[[type[Owned], Owned], Any] | None = None
) -> Attack:
    """An attack that executes one statement about the other's row."""

    async def attack(session: AppSession, model: type[Owned], theirs: Owned) -> Any:
        result = await session.execute(build(model, theirs), parameters(model, theirs) if parameters else None)
        return result.all() if getattr(result, "returns_rows", True) else None

    return attack


def _sync(call: Callable[[Any, type[Owned], Owned], Any]) -> Attack:
    """An attack on the synchronous session underneath."""

    async def attack(session: AppSession, model: type[Owned], theirs: Owned) -> Any:
        return await session.run_sync(lambda sync: call(sync, model, theirs))

    return attack


# ------------------------------------------------- what the owner's filter is added to: own rows are found, no others


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
    "select entity": _select(select),
    "select columns": _select(lambda m: select(*columns_of(m))),
    "select aliased": _select(lambda m: select(aliased(m))),
    "select aliased over a subquery": _select(_aliased_over_subquery),
    "select from a subquery": _select(lambda m: select(select(*columns_of(m)).subquery())),
    "select from a cte": _select(_cte),
    "self join": _select(_self_join),
    "outer self join": _select(_outer_self_join),
    "in subquery": _select(lambda m: select(m).where(id_of(m).in_(select(id_of(m))))),
    "in aliased subquery": _select(lambda m: select(m).where(id_of(m).in_(select(_alias_id(m))))),
    "exists": _select(lambda m: select(id_of(m)).where(exists().where(id_of(m) > 0))),
    "scalar subquery": _select(lambda m: select(id_of(m), select(func.max(_alias_id(m))).scalar_subquery())),
    "union all": _select(lambda m: union_all(select(id_of(m)), select(id_of(m)))),
    "from_statement of a union": _select(lambda m: select(m).from_statement(union_all(select(m), select(m)))),
    "min and max": _select(lambda m: select(func.min(id_of(m)), func.max(id_of(m)))),
    "stream": _stream,
    "legacy query": _sync(lambda s, m, _: s.query(m).all()),
    "get by id": _get,
    "get by id, fresh": _get_one_locked,
}

COUNTS: dict[str, Attack] = {
    "count": _select(lambda m: select(func.count()).select_from(m)),
    "count of a column": _select(lambda m: select(func.count(id_of(m)))),
    "count over a subquery": _select(lambda m: select(func.count()).select_from(select(m).subquery())),
    "count as a scalar subquery": _select(
        lambda m: select(select(func.count()).select_from(m).scalar_subquery()).select_from(m).limit(1)
    ),
    "window count": _select(lambda m: select(id_of(m), func.count().over()).limit(1)),
    "legacy query count": _sync(lambda s, m, _: [(s.query(m).count(),)]),
}

WRITES: dict[str, Attack] = {
    "update where": _write(lambda m, t: update(m).where(id_of(m) == t.id).values({text_column(m): WORD})),
    "update all": _write(lambda m, _: update(m).values({text_column(m): WORD})),
    "update returning": _write(
        lambda m, t: update(m).where(id_of(m) == t.id).values({text_column(m): WORD}).returning(id_of(m))
    ),
    "update by parameters": _write(
        lambda m, t: update(m).where(id_of(m) == t.id).execution_options(synchronize_session=False),
        lambda m, _: {text_column(m): WORD},
    ),
    "delete where": _write(lambda m, t: delete(m).where(id_of(m) == t.id)),
    "delete all": _write(lambda m, _: delete(m)),
    "delete returning": _write(lambda m, t: delete(m).where(id_of(m) == t.id).returning(id_of(m))),
    "legacy query update": _sync(lambda s, m, t: s.query(m).filter_by(id=t.id).update({text_column(m): WORD})),
    "legacy query delete": _sync(lambda s, m, t: s.query(m).filter_by(id=t.id).delete()),
}

# ------------------------------------------------------------------- what the filter cannot reach: refused, every one


def _core(model: type[Owned]) -> Any:
    return model.__table__


def _values_of(theirs: Owned) -> dict[str, Any]:
    return {c.key: getattr(theirs, c.key) for c in columns_of(type(theirs))}


def _new_values(theirs: Owned) -> dict[str, Any]:
    return {name: value for name, value in _values_of(theirs).items() if name != "id"}


def _insert_from_select(model: type[Owned], _: Owned) -> Any:
    names = ["user_id", text_column(model)]
    columns = select(*(_core(model).c[name] for name in names))
    return insert(model).from_select(names, columns, include_defaults=False)


def _upsert(build: Any) -> Attack:
    def statement(model: type[Owned], theirs: Owned) -> Any:
        values = _values_of(theirs) | {text_column(model): WORD}
        return build(model).values(values).on_conflict_do_update(index_elements=["id"], set_={text_column(model): WORD})

    return _write(statement)


async def _raw_connection(session: AppSession, model: type[Owned], _: Owned) -> Any:
    return (await (await session.connection()).execute(select(_core(model)))).all()


def _flushed(change: Callable[[Any, type[Owned], Owned], Any]) -> Attack:
    """An attack by the unit of work: do something to rows, then flush."""

    def call(session: Any, model: type[Owned], theirs: Owned) -> Any:
        result = change(session, model, theirs)
        session.flush()
        return result

    return _sync(call)


def _forge(session: Any, model: type[Owned], theirs: Owned) -> Any:
    """A detached row that claims to be this owner's and has the id of another's."""
    forged = model(**_values_of(theirs) | {"user_id": session.owner or "nobody"})
    make_transient_to_detached(forged)
    session.add(forged)
    return forged


def _forge_and_change(session: Any, model: type[Owned], theirs: Owned) -> None:
    setattr(_forge(session, model, theirs), text_column(model), WORD)


def _forge_and_delete(session: Any, model: type[Owned], theirs: Owned) -> None:
    session.delete(_forge(session, model, theirs))


def _forge_and_refresh(session: Any, model: type[Owned], theirs: Owned) -> Any:
    forged = _forge(session, model, theirs)
    session.refresh(forged)
    return forged


def _forge_and_expire(session: Any, model: type[Owned], theirs: Owned) -> Any:
    forged = _forge(session, model, theirs)
    session.expire(forged)
    return getattr(forged, text_column(model))


def _detach(theirs: Owned) -> Owned:
    copy = type(theirs)(**_values_of(theirs))
    make_transient_to_detached(copy)
    return copy


def _insert_into_theirs(session: Any, model: type[Owned], theirs: Owned) -> None:
    session.add(model(**_values_of(theirs) | {"id": None}))


def _choose_id(session: Any, model: type[Owned], theirs: Owned) -> None:
    session.add(model(**_values_of(theirs) | {"user_id": None}))


def _give_away(session: Any, model: type[Owned], theirs: Owned) -> None:
    mine = session.execute(select(model)).scalars().first()
    mine.user_id = theirs.user_id


def _nested_core(model: type[Owned]) -> Any:
    return select(id_of(model), select(func.count()).select_from(_core(model)).scalar_subquery())


def _joined_update(model: Any, theirs: Owned) -> Any:
    other = aliased(model)
    joined = update(model).where(other.id == theirs.id).values({text_column(model): WORD})
    return joined.execution_options(synchronize_session=False)


REFUSED: dict[str, Attack] = {
    "text": _select(lambda m: text(f"SELECT * FROM {_core(m).name}")),
    "from_statement of text": _select(lambda m: select(m).from_statement(text(f"SELECT * FROM {_core(m).name}"))),
    "text in where": _select(lambda m: select(m).where(text("1=1 OR 1=1"))),
    "core select": _select(lambda m: select(_core(m))),
    "core select, aliased": _select(lambda m: select(_core(m).alias())),
    "core table in an orm select": _select(lambda m: select(id_of(m), _core(m).alias().c.id)),
    "core table joined": _select(lambda m: select(id_of(m)).join(_core(m).alias("x"), literal_column("1") == 1)),
    "core subquery in an orm select": _select(_nested_core),
    "literal column": _select(lambda m: select(id_of(m), literal_column(f"(SELECT max(id) FROM {_core(m).name})"))),
    "lightweight table": _select(lambda m: select(id_of(m), table(_core(m).name, column("id")).alias().c.id)),
    "exists alone": _select(lambda m: select(exists().where(_core(m).c.id > 0))),
    "raw connection": _raw_connection,
    "bulk update by key": _write(lambda m, _: update(m), lambda m, t: [_values_of(t) | {text_column(m): WORD}]),
    "insert statement": _write(lambda m, t: insert(m).values(_new_values(t))),
    "insert statement, many": _write(lambda m, _: insert(m), lambda _, t: [_values_of(t) | {"id": 10**6}]),
    "insert from select": _write(_insert_from_select),
    "upsert, postgresql": _upsert(postgres_insert),
    "upsert, sqlite": _upsert(sqlite_insert),
    "update of the owner": _write(lambda m, _: update(m).values(user_id="mallory")),
    "update of the owner by column": _write(lambda m, _: update(m).values({columns_of(m)[1]: "mallory"})),
    "update of the owner, ordered": _write(lambda m, _: update(m).ordered_values((columns_of(m)[1], "mallory"))),
    "update of the owner by parameters": _write(lambda m, _: update(m), lambda _, __: {"user_id": "mallory"}),
    "update joined with a second entity": _write(_joined_update),
    "bulk_save_objects": _sync(lambda s, _, t: s.bulk_save_objects([_detach(t)])),
    "bulk_update_mappings": _sync(lambda s, m, t: s.bulk_update_mappings(m, [{"id": t.id, text_column(m): WORD}])),
    "bulk_insert_mappings": _sync(lambda s, m, t: s.bulk_insert_mappings(m, [_values_of(t) | {"id": 10**6}])),
    "add a row for another": _flushed(_insert_into_theirs),
    "add a row with a chosen id": _flushed(_choose_id),
    "merge": _flushed(lambda s, m, t: s.merge(m(**_values_of(t)))),
    "attach another's row": _sync(lambda s, _, t: s.add(_detach(t))),
    "delete another's row": _flushed(lambda s, _, t: s.delete(_detach(t))),
    "give an own row away": _flushed(_give_away),
}

# Objects that claim to be the caller's: nothing is wrong with the statements that follow, they just find no row.
FORGED: dict[str, Attack] = {
    "refresh a row that was not loaded": _sync(lambda s, _, t: s.refresh(_detach(t))),
    "forge a row and change it": _flushed(_forge_and_change),
    "forge a row and delete it": _flushed(_forge_and_delete),
    "forge a row and refresh it": _sync(_forge_and_refresh),
    "forge a row and expire it": _sync(_forge_and_expire),
}


def references_of(model: type[Owned]) -> dict[str, str]:
    """Return the columns that refer to other owned tables, with the tables."""
    keys = cast("Table", model.__table__).foreign_key_constraints
    return {key.column_keys[-1]: key.referred_table.name for key in keys}


async def _refer(session: AppSession, model: type[Owned], theirs: Owned, *, by_insert: bool) -> None:
    """Let a row of one's own refer to whatever row another's row refers to."""
    reference = next(iter(references_of(model)))
    target = getattr(theirs, reference)
    if by_insert:
        values = {**_values_of(theirs), "user_id": "mallory", reference: target}
        del values["id"]
        await session.insert_row(model, values)
    else:
        mine = columns_of(model)[1] == "mallory"
        await session.execute(update(model).where(mine).values({reference: target}))


def _refers(*, by_insert: bool) -> Attack:
    async def attack(session: AppSession, model: type[Owned], theirs: Owned) -> Any:
        await _refer(session, model, theirs, by_insert=by_insert)

    return attack


# For tables that have references; no statement reads anything, so only the schema can tell whose the target is.
REFERENCES: dict[str, Attack] = {
    "refer to another's row, new": _refers(by_insert=True),
    "refer to another's row, changed": _refers(by_insert=False),
}


def _call(method: str, *arguments: Callable[[type[Owned], Owned], Any], **named: Any) -> Attack:
    async def attack(session: AppSession, model: type[Owned], theirs: Owned) -> Any:
        repository = Repository.of(model)(session=session)
        return await getattr(repository, method)(*(argument(model, theirs) for argument in arguments), **named)

    return attack


def _their_id(_: type[Owned], theirs: Owned) -> Any:
    return theirs.id


def _their_row(_: type[Owned], theirs: Owned) -> Any:
    return _detach(theirs)


def _new_row_for_them(model: type[Owned], theirs: Owned) -> Any:
    return model(**_values_of(theirs) | {"id": None})


REPOSITORY: dict[str, Attack] = {
    "select_page": _call("select_page", lambda *_: 100, lambda *_: 0),
    "select_one": _call("select_one", _their_id),
    "insert_one": _call("insert_one", lambda _, t: _values_of(t) | {"id": None}),
    "update_one": _call("update_one", _their_id, lambda m, _: {text_column(m): WORD}),
    "delete_one": _call("delete_one", _their_id),
    "add": _call("add", _new_row_for_them),
    "add_many": _call("add_many", lambda m, t: [_new_row_for_them(m, t)]),
    "check_health": _call("check_health"),
    "count": _call("count"),
    "delete": _call("delete", _their_id),
    "delete_many": _call("delete_many", lambda _, t: [t.id]),
    "delete_where": _call("delete_where", lambda m, t: id_of(m) == t.id),
    "exists": _call("exists", lambda m, t: id_of(m) == t.id),
    "get": _call("get", _their_id),
    "get_and_update": _call("get_and_update", lambda m, t: id_of(m) == t.id),
    "get_many": _call("get_many"),
    "get_many_and_count": _call("get_many_and_count"),
    "get_one": _call("get_one", lambda m, t: id_of(m) == t.id),
    "get_one_or_none": _call("get_one_or_none", lambda m, t: id_of(m) == t.id),
    "get_or_upsert": _call("get_or_upsert", lambda m, t: id_of(m) == t.id),
    "list": _call("list"),
    "list_and_count": _call("list_and_count"),
    "update": _call("update", _their_row),
    "update_many": _call("update_many", lambda _, t: [_detach(t)]),
    "upsert": _call("upsert", _their_row),
    "upsert_many": _call("upsert_many", lambda _, t: [_detach(t)]),
}

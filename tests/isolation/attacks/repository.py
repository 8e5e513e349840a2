"""References between rows, which the schema checks, and every public method of the repository."""

from collections.abc import Callable
from typing import Any, cast

import msgspec
from sqlalchemy import (
    Table,
    insert,
    select,
    update,
)

from app.core.data.ownership.session import AppSession
from app.core.data.repository.figures import FiguresReader, FiguresRequest
from app.core.data.repository.pages import PageRequest
from app.core.data.repository.repository import Repository
from app.core.data.sql.changes import Changes
from app.core.data.sql.figure_declarations import count
from app.core.data.sql.pages import page_of
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import columns_of
from tests.isolation.attacks.shapes import CHANGED, LONG_AGO, Attack, core_table, detached, id_of, values_of


def references_of(model: type[Owned]) -> dict[str, str]:
    """Return the columns that reference other owned tables, with these tables."""
    keys = cast("Table", model.__table__).foreign_key_constraints
    return {key.column_keys[-1]: key.referred_table.name for key in keys}


async def _refer(session: AppSession, model: type[Owned], theirs: Owned, *, by_insert: bool) -> None:
    """Let an own row reference the row that another owner's row references."""
    reference = next(iter(references_of(model)))
    target = getattr(theirs, reference)
    if by_insert:
        values = {**values_of(theirs), "user_id": "mallory", reference: target}
        del values["id"]
        await session.execute(insert(core_table(model)), values)
    else:
        mine = columns_of(model)[1] == "mallory"
        await session.execute(update(model).where(mine).values({reference: target}))


def _refers(*, by_insert: bool) -> Attack:
    async def attack(session: AppSession, model: type[Owned], theirs: Owned) -> Any:
        await _refer(session, model, theirs, by_insert=by_insert)

    return attack


# For tables with references. The statements read nothing, so only the schema can check the owner of the target.
REFERENCES: dict[str, Attack] = {
    "refer to another's row, new": _refers(by_insert=True),
    "refer to another's row, changed": _refers(by_insert=False),
}


async def _expand(session: AppSession, model: type[Owned], theirs: Owned) -> Any:
    """Let the own rows reference another owner's row for a moment, and read them with that row."""
    reference = next(iter(references_of(model)))
    row_id, owner = columns_of(model)[:2]
    mine = (await session.execute(select(row_id, getattr(model, reference)).where(owner == "mallory"))).all()
    await session.execute(update(model).where(owner == "mallory").values({reference: getattr(theirs, reference)}))
    shape, values = PageRequest(100, expand=(reference.removesuffix("_id"),)).query()
    try:
        return (await session.execute(page_of(model, shape, session.dialect.name), values)).all()
    finally:
        for number, before in mine:
            await session.execute(update(model).where(row_id == number).values({reference: before}))


EXPANDED: dict[str, Attack] = {"expand a reference to another's row": _expand}
"""For tables with references. A session that can refer to another owner's row cannot read it."""


def _call(method: str, *arguments: Callable[[type[Owned], Owned], Any], **named: Any) -> Attack:
    async def attack(session: AppSession, model: type[Owned], theirs: Owned) -> Any:
        repository = Repository.of(model)(session=session)
        return await getattr(repository, method)(*(argument(model, theirs) for argument in arguments), **named)

    return attack


def _their_id(_: type[Owned], theirs: Owned) -> Any:
    return theirs.id


def _their_row(_: type[Owned], theirs: Owned) -> Any:
    return detached(theirs)


def _new_row_for_them(model: type[Owned], theirs: Owned) -> Any:
    return model(**values_of(theirs) | {"id": None})


class _Key(msgspec.Struct):
    id: int
    user_id: str


def _totals(model: type[Owned]) -> FiguresReader:
    return FiguresReader(model, (("rows", count("All.")),), ("user_id",), __name__)


REPOSITORY: dict[str, Attack] = {
    "select_page": _call("select_page", lambda *_: PageRequest(100)),
    "select_one": _call("select_one", _their_id),
    "select_figures": _call("select_figures", lambda m, _: _totals(m), lambda *_: FiguresRequest("user_id")),
    "select_as": _call("select_as", lambda *_: _Key, lambda m, _: select(id_of(m), columns_of(m)[1])),
    "insert_one": _call("insert_one", lambda _, t: values_of(t) | {"id": None}),
    "update_one": _call("update_one", _their_id, lambda m, _: {CHANGED: LONG_AGO}),
    "apply": _call("apply", _their_id, lambda *_: Changes({CHANGED: LONG_AGO})),
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
    "update_many": _call("update_many", lambda _, t: [detached(t)]),
    "upsert": _call("upsert", _their_row),
    "upsert_many": _call("upsert_many", lambda _, t: [detached(t)]),
}

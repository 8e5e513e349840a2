"""A person's rows, all of them: counted, exported, erased, in every owned table there is.

The session serves that person, so the hooks, and on PostgreSQL the policies, hold here as they do in a request.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import CursorResult, Row, delete, func, select
from sqlmodel import SQLModel, col

from app.core.data.errors import OwnershipError
from app.core.data.owned import Owned, owned_models
from app.core.data.rows import columns_of
from app.core.data.session import AppSession

BATCH: Final = 1000  # rows in memory at a time


@dataclass(frozen=True, slots=True)
class PersonsRow:
    """A row, its columns by name, and the table that it is from."""

    table: str
    row: dict[str, Any]


def models_in_order() -> list[type[Owned]]:
    """Return the owned tables' classes, each behind those that its rows refer to."""
    models = {model.__table__: model for model in owned_models()}
    return [models[table] for table in SQLModel.metadata.sorted_tables if table in models]


async def count_rows(session: AppSession) -> dict[str, int]:
    """Return how many rows of the session's owner each table has.

    Raises:
        OwnershipError: the session serves nobody, or everyone.
    """
    statements = {_name(model): select(func.count()).select_from(model) for model in _models_for(session)}
    return {name: (await session.execute(statement)).scalar_one() for name, statement in statements.items()}


async def export_rows(session: AppSession, batch: int = BATCH) -> AsyncIterator[PersonsRow]:
    """Yield all rows of the session's owner, table by table, in the order of their ids.

    A row that is there from the beginning to the end comes once. What is stored or deleted meanwhile may be missed:
    a snapshot would be one long transaction, which on SQLite lets nobody else write.

    Raises:
        OwnershipError: the session serves nobody, or everyone.
    """
    for model in _models_for(session):
        async for row in _rows_of(session, model, batch):
            yield PersonsRow(_name(model), dict(row._mapping))


async def erase_rows(session: AppSession) -> dict[str, int]:
    """Delete all rows of the session's owner, or, if one cannot be deleted, none; return how many in each table.

    Raises:
        OwnershipError: the session serves nobody, or everyone.
    """
    models = _models_for(session)
    async with session.atomic():
        return {_name(model): await _erase(session, model) for model in reversed(models)}


async def _rows_of(session: AppSession, model: type[Owned], batch: int) -> AsyncIterator[Row[Any]]:
    statement = select(*columns_of(model)).order_by(col(model.id)).limit(batch)
    rows = (await session.execute(statement)).all()
    while rows:
        for row in rows:
            yield row
        rows = (await session.execute(statement.where(col(model.id) > rows[-1].id))).all()


async def _erase(session: AppSession, model: type[Owned]) -> int:
    statement = delete(model).execution_options(synchronize_session=False)
    return cast("CursorResult[Any]", await session.execute(statement)).rowcount


def _models_for(session: AppSession) -> list[type[Owned]]:
    """The classes in order, for a session that serves one person: with everyone() a DELETE would empty the tables."""
    if not isinstance(session.sync_session.owner, str):
        raise OwnershipError("This needs a session that serves one person: bind_owner(session, ID), not everyone().")
    return models_in_order()


def _name(model: type[Owned]) -> str:
    return str(model.__tablename__)

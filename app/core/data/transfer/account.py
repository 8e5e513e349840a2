"""The account of one user: counts, exports or erases their rows in every owned table."""

from collections.abc import AsyncIterator
from typing import Any, cast

from sqlalchemy import CursorResult, Delete, delete, func, select
from sqlmodel import col

from app.core.data.errors import OwnershipError
from app.core.data.ownership.session import AppSession
from app.core.data.tables.cycles import components
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import sorted_owned_models, table_name, table_of
from app.core.data.transfer import read as reading
from app.core.data.transfer.deferred import defer_in_sqlite
from app.core.data.transfer.read import BATCH, TableRow, read_rows


async def count_rows(session: AppSession) -> dict[str, int]:
    """Return the number of the user's rows by table."""
    return {table_name(model): await reading.count_rows(session, model) for model in _models_for(session)}


async def export_rows(session: AppSession, batch: int = BATCH) -> AsyncIterator[TableRow]:
    """Yield all rows of the user, table by table, in the order of their ids; see `read_rows()`."""
    for model in _models_for(session):
        async for row in read_rows(session, model, batch):
            yield row


async def erase_rows(session: AppSession) -> dict[str, int]:
    """Delete all rows of the user in one transaction, and return the number by table."""
    models = {table_of(model): model for model in _models_for(session)}
    erased: dict[type[Owned], int] = {}
    async with session.atomic():
        for tables in reversed(components([*models])):
            group = [models[table] for table in tables]
            erased |= dict(zip(group, await _erase(session, group), strict=True))
    return {table_name(model): erased[model] for model in reversed(models.values())}


async def _erase(session: AppSession, models: list[type[Owned]]) -> list[int]:
    # The tables of a cycle are deleted from together: no order satisfies their foreign keys.
    if len(models) == 1:
        return [cast("CursorResult[Any]", await session.execute(_deletion(models[0]))).rowcount]
    if session.dialect.name == "postgresql":  # it checks foreign keys at the end of a statement
        deletions = [_deletion(model).returning(col(model.id)).cte() for model in models]
        counts = select(*(select(func.count()).select_from(rows).scalar_subquery() for rows in deletions))
        return list((await session.execute(counts)).one())
    # Counted before: a DELETE can cascade to another table of the cycle.
    found = [await reading.count_rows(session, model) for model in models]
    await defer_in_sqlite(session)
    for model in models:
        await session.execute(_deletion(model))
    return found


def _deletion(model: type[Owned]) -> Delete:
    return delete(model).execution_options(synchronize_session=False)


def _models_for(session: AppSession) -> list[type[Owned]]:
    # In a session for one user, its checks and PostgreSQL's policies hold as they do in a request. In a session for
    # everyone, the DELETE would empty the tables.
    if not isinstance(session.sync_session.owner, str):
        raise OwnershipError("This needs a session that serves one user: bind_owner(session, ID), not everyone().")
    return sorted_owned_models()

"""A person's rows, all of them: counted, exported, erased, in every owned table there is.

The session serves that person, so the hooks, and on PostgreSQL the policies, hold here as they do in a request.
"""

from collections.abc import AsyncIterator
from typing import Any, cast

from sqlalchemy import CursorResult, delete

from app.core.data import reading
from app.core.data.errors import OwnershipError
from app.core.data.owned import Owned
from app.core.data.reading import BATCH, TableRow, mapped_in_order, read_rows, table_name
from app.core.data.session import AppSession


def models_in_order() -> list[type[Owned]]:
    """Return the owned tables' classes, each behind those that its rows refer to."""
    return [model for model in mapped_in_order() if issubclass(model, Owned)]


async def count_rows(session: AppSession) -> dict[str, int]:
    """Return how many rows of the session's owner each table has.

    Raises:
        OwnershipError: the session serves nobody, or everyone.
    """
    return {table_name(model): await reading.count_rows(session, model) for model in _models_for(session)}


async def export_rows(session: AppSession, batch: int = BATCH) -> AsyncIterator[TableRow]:
    """Yield all rows of the session's owner, table by table, in the order of their ids; see `read_rows()`.

    Raises:
        OwnershipError: the session serves nobody, or everyone.
        NotAtomic: it is in no transaction.
    """
    for model in _models_for(session):
        async for row in read_rows(session, model, batch):
            yield row


async def erase_rows(session: AppSession) -> dict[str, int]:
    """Delete all rows of the session's owner, or, if one cannot be deleted, none; return how many in each table.

    Raises:
        OwnershipError: the session serves nobody, or everyone.
    """
    models = _models_for(session)
    async with session.atomic():
        return {table_name(model): await _erase(session, model) for model in reversed(models)}


async def _erase(session: AppSession, model: type[Owned]) -> int:
    statement = delete(model).execution_options(synchronize_session=False)
    return cast("CursorResult[Any]", await session.execute(statement)).rowcount


def _models_for(session: AppSession) -> list[type[Owned]]:
    """The classes in order, for a session that serves one person: with everyone() a DELETE would empty the tables."""
    if not isinstance(session.sync_session.owner, str):
        raise OwnershipError("This needs a session that serves one person: bind_owner(session, ID), not everyone().")
    return models_in_order()

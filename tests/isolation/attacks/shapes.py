"""The parts of which attacks are built."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import make_transient_to_detached

from app.core.data.ownership.session import AppSession
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import columns_of

Attack = Callable[[AppSession, type[Owned], Owned], Awaitable[Any]]

CHANGED = "created_at"
"""The column that an attack changes, and the value that it writes: no row has this value before."""
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def id_of(model: type[Owned]) -> Any:
    """Return the mapped id."""
    return columns_of(model)[0]


async def _rows(session: AppSession, statement: Any, parameters: Any = None) -> Any:
    return (await session.execute(statement, parameters)).all()


def reading(build: Callable[[type[Owned]], Any]) -> Attack:
    """Return an attack that only reads."""

    async def attack(session: AppSession, model: type[Owned], _: Owned) -> Any:
        return await _rows(session, build(model))

    return attack


def writing(
    build: Callable[[type[Owned], Owned], Any], parameters: Callable[[type[Owned], Owned], Any] | None = None
) -> Attack:
    """Return an attack that executes one statement about another owner's row."""

    async def attack(session: AppSession, model: type[Owned], theirs: Owned) -> Any:
        result = await session.execute(build(model, theirs), parameters(model, theirs) if parameters else None)
        return result.all() if getattr(result, "returns_rows", True) else None

    return attack


def underneath(call: Callable[[Any, type[Owned], Owned], Any]) -> Attack:
    """Return an attack on the synchronous session under the async one."""

    async def attack(session: AppSession, model: type[Owned], theirs: Owned) -> Any:
        return await session.run_sync(lambda sync: call(sync, model, theirs))

    return attack


def core_table(model: type[Owned]) -> Any:
    return model.__table__


def values_of(theirs: Owned) -> dict[str, Any]:
    return {c.key: getattr(theirs, c.key) for c in columns_of(type(theirs))}


def detached(theirs: Owned) -> Owned:
    copy = type(theirs)(**values_of(theirs))
    make_transient_to_detached(copy)
    return copy

"""The guard, which binds a request's session to its caller, and `everyone()`, which opens a session to all owners."""

from typing import Any, TypeVar, cast

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.core.data.errors import OwnerNotBound
from app.core.data.ownership.engines import unscoped
from app.core.data.ownership.owned_session import ALL_OWNERS, OwnedSession
from app.core.data.ownership.plugin import Alchemy, request_session
from app.core.data.ownership.session import AppSession

SessionT = TypeVar("SessionT", bound=AsyncSession)


def bind_owner(session: AsyncSession, owner: str) -> None:
    """Bind the session to the owner with this id, until the session is closed.

    Raises:
        ForeignRow: the session has another owner.
    """
    if not isinstance(owner, str) or not owner:
        raise TypeError("An owner is a user id: pass a non-empty string.")
    _owned_session(session).bind_owner(owner)


def everyone(session: SessionT) -> SessionT:
    """Let the session read and write the rows of all owners, for commands and tests.

    Raises:
        ForeignRow: the session has an owner, as in a request with a caller.
    """
    _owned_session(session).bind_owner(ALL_OWNERS)
    session.bind = unscoped(cast("AsyncEngine", session.bind))
    return session


def owner_guard(alchemy: Alchemy) -> Guard:
    """Return the guard that binds each request's session to its caller, before dependencies and handlers use it."""

    async def bind_caller(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        # A public route and an OPTIONS request have no caller: their session has no owner, and reads no owned row.
        scope: Any = connection.scope
        if (caller := scope.get("user")) is not None:
            bind_owner(alchemy.provide_session(connection.app.state, scope), caller.id)

    return bind_caller


def session_of(scope: Any) -> AppSession:
    """Return the request's session, which has the caller as its owner; raise OwnerNotBound without a caller."""
    session = request_session(scope)
    if session is None:
        raise OwnerNotBound
    return session


def _owned_session(session: AsyncSession) -> OwnedSession:
    if not isinstance(session.sync_session, OwnedSession):
        raise TypeError("This session has no ownership hooks; open it with the application's session maker.")
    return session.sync_session

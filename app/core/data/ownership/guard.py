"""Where a caller meets a session: the guard that binds the two, and the one word that crosses the border."""

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
    """Let the session serve this user from now on.

    Raises:
        ForeignRow: it serves another owner already.
        TypeError: it has no ownership hooks, or the owner is no user's id.
    """
    if not isinstance(owner, str) or not owner:
        raise TypeError("An owner is the id of a user, a text that is not empty.")
    _hooked(session).bind_owner(owner)


def everyone(session: SessionT) -> SessionT:
    """Cross the border: let the session see and write the rows of all owners, for commands and for tests.

    A request cannot say it: its session was bound to the caller before any handler ran, and stays so.

    Raises:
        ForeignRow: the session serves an owner.
        TypeError: it has no ownership hooks.
    """
    _hooked(session).bind_owner(ALL_OWNERS)
    session.bind = unscoped(cast("AsyncEngine", session.bind))
    return session


def owner_guard(alchemy: Alchemy) -> Guard:
    """Return the guard that gives each request's session its owner, before dependencies and handlers see it.

    A public route and an OPTIONS answer have no caller, so their session serves nobody and finds nothing.
    """

    async def serve_caller(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        scope: Any = connection.scope
        if (caller := scope.get("user")) is not None:
            bind_owner(alchemy.provide_session(connection.app.state, scope), caller.id)

    return serve_caller


def session_of(scope: Any) -> AppSession:
    """Return the request's session, which the guard has bound to its caller: what a repository is made with.

    Raises:
        OwnerNotBound: there is no caller.
    """
    session = request_session(scope)
    if session is None:
        raise OwnerNotBound
    return session


def _hooked(session: AsyncSession) -> OwnedSession:
    if not isinstance(session.sync_session, OwnedSession):
        raise TypeError("This session has no ownership hooks; open it with the application's session maker.")
    return session.sync_session

"""The session plugin: advanced-alchemy with this project's engine and session class."""

from typing import Any, Final, cast

from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig
from litestar.datastructures import State
from litestar.types import Scope
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlmodel import SQLModel

from app.core.data.connection.engine import make_engine
from app.core.data.ownership.engines import scoped
from app.core.data.ownership.session import AppSession
from app.settings import Settings

_SESSION: Final = "session"


class Alchemy(SQLAlchemyAsyncConfig):
    """The plugin's configuration. It stores a request's session in the scope, for `SessionLifetime`."""

    def _ensure_unique(self, registry_name: str, key: str, new_key: str | None = None, _iter: int = 0) -> str:
        # Problem: the plugin numbers the keys of the configurations of a process. It does not dispose of engines under
        # numbered keys, and it looks for a free number by recursion, which fails at a thousand. Decision: do not
        # number; each application has one configuration.
        return key

    def provide_session(self, state: State, scope: Scope) -> AsyncSession:
        session = super().provide_session(state, scope)
        cast("Any", scope)[_SESSION] = session
        return session


def request_session(scope: Any) -> AppSession | None:
    """Return the request's session; None if the request has not used one."""
    session: AppSession | None = scope.get(_SESSION)
    return session


def make_alchemy(settings: Settings) -> Alchemy:
    """Return the plugin's configuration for the database of these settings."""
    engine = scoped(make_engine(settings))
    # A session maker, because the plugin would replace the session class. No `before_send_handler`: "autocommit" sends
    # 201 even if the COMMIT fails.
    return Alchemy(
        engine_instance=engine,
        session_maker=async_sessionmaker(engine, class_=AppSession, expire_on_commit=False),
        metadata=SQLModel.metadata,
        set_default_exception_handler=False,
    )

"""Readiness: can this process serve? The response gives the reason in one sentence; the log has the details."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.data.connection.engine import make_engine
from app.core.data.connection.failures import Failure, classify
from app.core.data.schema.revisions import Revisions, known_revisions
from app.core.http.exception_handlers import in_one_line
from app.settings import Settings

logger = logging.getLogger(__name__)

QUERY_TIMEOUT: Final = 1.0  # seconds

_INSUFFICIENT_PRIVILEGE: Final = "42501"  # insufficient_privilege
_APPLIED: Final = text("SELECT version_num FROM alembic_version")
NO_ANSWER: Final = "The database does not answer"
_BEHIND: Final = "The database lacks migrations"
_REFUSING: Final = "The role of this process lacks permissions in the database"


class Readiness:
    """Checks the keys that verify tokens, the connection to the database, and its migrations."""

    def __init__(self, settings: Settings, has_keys: Callable[[], bool]) -> None:
        self._has_keys = has_keys
        self._engine = _single_connection_engine(settings)
        self._revisions: Revisions | None = None
        self._running: asyncio.Task[str | None] | None = None

    async def obstacle(self, *, is_draining: bool) -> str | None:
        """Return the reason why this process cannot serve, or None; this takes at most 1 s."""
        if is_draining:
            found: str | None = "This process is shutting down"
        elif not self._has_keys():
            found = "There are no keys to verify tokens with"
        else:
            found = await self._share_query()
        if found:
            logger.warning("not ready: %s", found)
        return found

    async def aclose(self) -> None:
        await self._engine.dispose()

    async def _share_query(self) -> str | None:
        # Requests that arrive during a query share its result.
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._query_with_timeout())
        return await asyncio.shield(self._running)

    async def _query_with_timeout(self) -> str | None:
        task = asyncio.create_task(self._query())
        done, _ = await asyncio.wait({task}, timeout=QUERY_TIMEOUT)
        if done:
            return task.result()
        task.add_done_callback(_retrieve_exception)
        task.cancel()  # without waiting: the driver takes up to 5 s to give up on a frozen server
        logger.warning("not ready, the database does not answer within %g s", QUERY_TIMEOUT)
        return NO_ANSWER

    async def _query(self) -> str | None:
        if self._revisions is None:
            self._revisions = await asyncio.to_thread(known_revisions)
        try:
            async with self._engine.connect() as connection:
                applied = set((await connection.execute(_APPLIED)).scalars())
        except SQLAlchemyError as error:
            logger.warning("not ready, the database answers: %s", in_one_line(error))
            if getattr(getattr(error, "orig", None), "sqlstate", None) == _INSUFFICIENT_PRIVILEGE:
                return _REFUSING
            # BUG: the table alembic_version does not exist.
            return _BEHIND if classify(error) is Failure.BUG else NO_ANSWER
        return _BEHIND if self._revisions.are_behind(applied) else None


def _retrieve_exception(task: asyncio.Task[str | None]) -> None:
    # asyncio logs an exception that was never retrieved.
    if not task.cancelled():
        task.exception()


def _single_connection_engine(settings: Settings) -> AsyncEngine:
    # Not from the pool: if all its connections wait for one locked table, the process is still ready.
    single = {"database_pool_size": 1, "database_max_overflow": 0, "database_pool_timeout": QUERY_TIMEOUT}
    return make_engine(settings.model_copy(update=single))

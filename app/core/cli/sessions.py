"""The sessions of commands: for one user, as in a request of that user, or for all users."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import click

from app.core.auth.tokens import MAX_SUBJECT_LENGTH, is_valid_subject
from app.core.cli.context import AppContext
from app.core.data.connection.engine import make_engine, snapshot_of
from app.core.data.ownership.guard import bind_owner, everyone
from app.core.data.ownership.roles import refuse_restricted_role
from app.core.data.ownership.session import AppSession
from app.core.data.schema.engines import owner_settings
from app.core.data.schema.revisions import pending
from app.settings import Settings, load_settings

T = TypeVar("T")
Work = Callable[[AppSession], Awaitable[T]]


def user_id(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    """Refuse an id that no token can have (a callback of click)."""
    if given is not None and not is_valid_subject(given):
        raise click.BadParameter(
            f"an id is 1 to {MAX_SUBJECT_LENGTH} printable characters, at least one of them not a space"
        )
    return given


def prepare(context: AppContext) -> Settings:
    """Load all models and the settings. Raises click.ClickException if the database lacks migrations."""
    settings = load_settings()
    context.load_nouns()
    # Without its table, the rows of a model would be silently left out.
    if missing := pending(settings):
        raise click.ClickException(f"the database lacks the migrations {', '.join(missing)}; run `app migrate` first")
    return settings


def prepare_as_owner(context: AppContext) -> Settings:
    """Load all models and the settings, and check the owner's role; migrations may be missing."""
    settings = load_settings()
    context.load_nouns()
    asyncio.run(as_everyone(_no_work))
    return settings


async def as_user(user: str, work: Work[T], *, snapshot: bool = False) -> T:
    """Run `work` in a session of one user; with `snapshot`, the session is read-only."""
    async with _session(load_settings(), snapshot=snapshot) as session:
        bind_owner(session, user)
        return await work(session)


async def as_everyone(work: Work[T], *, snapshot: bool = False) -> T:
    """Run `work` in a session of all users, as the owner of the tables; with `snapshot`, it is read-only."""
    async with _session(owner_settings(load_settings()), snapshot=snapshot) as session:
        everyone(session)
        await refuse_restricted_role(session)
        return await work(session)


async def _no_work(_: AppSession) -> None:
    pass  # as_everyone() checks the role


@asynccontextmanager
async def _session(settings: Settings, *, snapshot: bool) -> AsyncIterator[AppSession]:
    engine = make_engine(settings)
    try:
        async with AppSession(snapshot_of(engine) if snapshot else engine, expire_on_commit=False) as session:
            yield session
    finally:
        await engine.dispose()

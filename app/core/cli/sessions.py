"""The sessions that commands work in: for one user, as a request of theirs would be, or for everyone."""

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
    """Refuse what no token could carry (a callback of click's)."""
    if given is not None and not is_valid_subject(given):
        raise click.BadParameter(f"an id is 1 to {MAX_SUBJECT_LENGTH} printable characters, and not blank")
    return given


def prepare(context: AppContext) -> Settings:
    """Know every table, and see that the database has them: one that is not known would be left out."""
    settings = load_settings()
    context.load_nouns()
    missing = pending(settings)
    if missing:
        raise click.ClickException(f"the database lacks the migrations {', '.join(missing)}; run `app migrate` first")
    return settings


def prepare_as_owner(context: AppContext) -> Settings:
    """Know every table, and see that the role that migrates meets no policy; migrations may be missing.

    Raises:
        InvalidSettings: row level security holds for the role.
    """
    settings = load_settings()
    context.load_nouns()
    asyncio.run(as_everyone(_look))
    return settings


async def as_user(user: str, work: Work[T], *, snapshot: bool = False) -> T:
    """Work in a session that serves the user; with a snapshot it only reads."""
    async with _session(load_settings(), snapshot=snapshot) as session:
        bind_owner(session, user)
        return await work(session)


async def as_everyone(work: Work[T], *, snapshot: bool = False) -> T:
    """Work in a session that serves everyone, as the role that owns the tables; with a snapshot it only reads.

    Raises:
        InvalidSettings: row level security holds for the role.
    """
    async with _session(owner_settings(load_settings()), snapshot=snapshot) as session:
        everyone(session)
        await refuse_restricted_role(session)
        return await work(session)


async def _look(_: AppSession) -> None:
    """Do nothing behind the checks of `as_everyone`."""


@asynccontextmanager
async def _session(settings: Settings, *, snapshot: bool) -> AsyncIterator[AppSession]:
    engine = make_engine(settings)
    try:
        async with AppSession(snapshot_of(engine) if snapshot else engine, expire_on_commit=False) as session:
            yield session
    finally:
        await engine.dispose()

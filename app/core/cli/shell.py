"""`app shell`."""

import asyncio
from importlib.util import find_spec
from typing import Any

import click
import sqlalchemy

from app.core.cli.context import AppContext
from app.core.cli.failures import explained
from app.core.cli.sessions import prepare, user_id
from app.core.data.connection.engine import make_engine
from app.core.data.ownership.guard import bind_owner, everyone
from app.core.data.ownership.roles import refuse_restricted_role
from app.core.data.ownership.session import AppSession
from app.core.data.schema.engines import owner_settings
from app.core.data.tables.registry import sorted_models
from app.settings import Settings

if find_spec("IPython"):
    from app.core.cli.consoles.ipython import interact
else:
    from app.core.cli.consoles.python import interact


@click.command("shell")
@click.option(
    "--user", metavar="ID", callback=user_id, help="Use a session of this user, as in a request of that user."
)
@click.pass_obj
@explained
def command(context: AppContext, user: str | None) -> None:
    """Open Python, or IPython if it is installed, with `session`, `select` and all models. `await` works.

    Without --user the session reads and writes the rows of all users. Each statement commits by itself; `async with
    session.atomic():` makes one transaction of several.
    """
    settings = prepare(context)
    click.echo(f"The session reads and writes the rows of {user or 'all users'}.", err=True)
    with asyncio.Runner() as runner:
        session = runner.run(_open(settings, user))
        try:
            interact(_names(session), runner)
        finally:
            runner.run(_close(session))


async def _open(settings: Settings, user: str | None) -> AppSession:
    engine = make_engine(settings if user else owner_settings(settings))
    session = AppSession(engine, expire_on_commit=False)
    if user:
        bind_owner(session, user)
    else:
        try:
            await refuse_restricted_role(everyone(session))
        except BaseException:
            await _close(session)
            raise
    return session


async def _close(session: AppSession) -> None:
    await session.close()
    await session.bind.dispose()  # type: ignore[union-attr]  # the engine that it was given


def _names(session: AppSession) -> dict[str, Any]:
    models = {model.__name__: model for model in sorted_models()}
    return models | {"session": session, "select": sqlalchemy.select}

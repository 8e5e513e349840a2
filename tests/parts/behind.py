"""The application with three handlers more: they use the session behind the answer, or give up on it in the middle."""

import asyncio
import sys
from collections.abc import AsyncIterator

from litestar import Litestar, Response, get
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.response import Stream
from sqlalchemy import func, select

from app.asgi import create_app
from app.core.data.ownership.session import AppSession
from app.core.ops.server.serving_process import ServerOptions, ServingProcess
from app.core.ops.server.sockets import bind
from app.tasks.models import Task

Session = NamedDependency[SkipValidation[AppSession]]


@get("/behind/stream")
async def stream(db_session: Session) -> Stream:
    """Read rows while the answer is on its way."""

    async def titles() -> AsyncIterator[str]:
        for _ in range(3):
            for task in (await db_session.execute(select(Task).limit(10))).scalars():
                yield task.title

    return Stream(titles())


@get("/behind/background")
async def background(db_session: Session) -> Response[str]:
    """Read rows when the answer is gone."""
    return Response("", background=BackgroundTask(_read, db_session))


@get("/behind/given-up")
async def given_up(db_session: Session) -> str:
    """Give up in the middle of a statement."""
    try:
        async with asyncio.timeout(0.05):
            await db_session.execute(select(Task).where(func.pg_sleep(5).is_not(None)))
    except TimeoutError:
        return "given up"
    return "there was no row"


PATHS = ("/behind/stream", "/behind/background", "/behind/given-up")


async def _read(session: AppSession) -> None:
    async with session.atomic():
        await session.execute(select(Task).limit(10))


def serve() -> Litestar:
    """Return the application."""
    app = create_app()
    for handler in (stream, background, given_up):
        app.register(handler)
    return app


if __name__ == "__main__":
    options = ServerOptions(app=f"{__spec__.name}:serve")
    ServingProcess(options).run([bind("127.0.0.1", int(sys.argv[1]))])

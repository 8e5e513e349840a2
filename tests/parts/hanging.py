"""The application with handlers that hang, served by `python -m tests.parts.hanging PORT WORKERS`."""

import asyncio
import re
import sys
import time

from litestar import Litestar, get

from app.asgi import create_app
from app.core.ops.logging import configure_logging
from app.core.ops.server.serving_process import ServerOptions, ServingProcess
from app.core.ops.server.sockets import bind
from app.core.ops.server.supervisor import Supervisor
from app.settings import load_settings

ENDS_WITHIN = 4.0  # seconds


@get("/hang/loop", public=True)
async def hang_in_a_loop() -> None:
    """Never end."""
    while True:
        pass


@get("/hang/sleep", public=True)
async def hang_asleep() -> None:
    """Sleep without the event loop."""
    time.sleep(60)  # noqa: ASYNC251


@get("/hang/lock", public=True)
async def hang_with_the_lock() -> None:
    """Keep the interpreter's lock, so that no other thread runs."""
    re.match(r"(a+)+$", "a" * 40 + "b")


@get("/slow", public=True)
async def be_slow() -> None:
    """Take a minute, as a good handler may."""
    await asyncio.sleep(60)


def serve() -> Litestar:
    """Return the application."""
    app = create_app()
    for handler in (hang_in_a_loop, hang_asleep, hang_with_the_lock, be_slow):
        app.register(handler)
    return app


if __name__ == "__main__":
    configure_logging(load_settings())
    port, workers = map(int, sys.argv[1:])
    options = ServerOptions(app=f"{__spec__.name}:serve", shutdown_seconds=ENDS_WITHIN, exit_when_hung=True)
    sockets = [bind("127.0.0.1", port)]
    if workers > 1:
        sys.exit(Supervisor(options, sockets, workers).run())
    ServingProcess(options).run(sockets)

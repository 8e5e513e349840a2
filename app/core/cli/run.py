"""`app run`."""

import logging
import signal
import socket
import sys

import click
import uvicorn

from app.core.auth.keys import signing_keys
from app.core.cli.failures import explained
from app.core.data.engine import database_url
from app.core.data.migrations import pending, upgrade
from app.core.http.limits import refuse_missing_client
from app.core.ops.logging import configure_logging
from app.core.ops.server.protocol import PROTOCOL
from app.settings import Settings, load_settings

logger = logging.getLogger(__name__)


@click.command("run")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, envvar="PORT", type=click.IntRange(0, 65535), help="Port to listen on."
)
@click.option("--workers", default=1, show_default=True, type=click.IntRange(min=1), help="Processes that serve.")
@click.option("--reload", is_flag=True, help="Start again when a file changes; for development.")
@explained
def command(host: str, port: int, workers: int, reload: bool) -> None:
    """Serve the application.

    A SQLite database is created and migrated first. Any other is only looked at: migrate it with `app migrate`.
    """
    if reload and workers > 1:
        raise click.UsageError("--reload and --workers exclude each other")
    settings = load_settings()
    refuse_missing_client(settings)
    _refuse_taken(host, port)
    _prepare(settings)
    if not settings.uses_jwks:
        signing_keys(settings)  # made here, once, before several workers would each make one
    configure_logging(settings)
    _greet(settings, host, port)
    if workers > 1 and settings.rate and not settings.rate_limit_storage:
        logger.warning("each of %d workers counts requests for itself; with RATE_LIMIT_STORAGE they share", workers)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn shuts down in order, and then repeats the signal
    uvicorn.run(
        "app.asgi:serve",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        reload=reload,
        reload_dirs=["app"] if reload else None,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        http=PROTOCOL,
        proxy_headers=False,  # TRUSTED_PROXIES says who is believed, under any server
    )


def _refuse_taken(host: str, port: int) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}; choose another --port") from None


def _prepare(settings: Settings) -> None:
    missing = pending(settings) if not _is_sqlite(settings) else None
    if missing is None:
        upgrade(settings)
    elif missing:
        raise click.ClickException(f"the database lacks the migrations {', '.join(missing)}; run `app migrate` first")


def _greet(settings: Settings, host: str, port: int) -> None:
    url = database_url(settings.database_url.get_secret_value())
    plain = url.set(drivername=url.get_backend_name(), query={})  # libpq takes a password from the query as well
    where = plain.render_as_string(hide_password=True)
    click.echo(f"Docs:     http://{host}:{port}/schema")
    click.echo(f"Database: {where}")
    click.echo("A token:  GET /api/auth/token, at Better Auth" if settings.uses_jwks else "A token:  app token alice")


def _is_sqlite(settings: Settings) -> bool:
    return database_url(settings.database_url.get_secret_value()).get_backend_name() == "sqlite"

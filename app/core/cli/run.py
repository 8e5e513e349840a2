"""`app run`."""

import logging
import re
import socket
import sys
from pathlib import Path
from typing import Final

import click
import uvicorn
from click.core import ParameterSource
from uvicorn.supervisors import ChangeReload

from app.core.auth.better_auth import jwks_url
from app.core.auth.jwks_http import make_http_client
from app.core.auth.secret_keys import signing_keys
from app.core.cli.failures import explained
from app.core.data.connection.engine import database_url
from app.core.data.connection.libpq import display_url
from app.core.data.schema.migrations import upgrade
from app.core.data.schema.revisions import applied, pending, unknown_among
from app.core.http.rate_limit.setup import refuse_missing_client
from app.core.ops.logging import configure_logging
from app.core.ops.server.serving_process import ServerOptions, ServingProcess, make_config
from app.core.ops.server.sockets import bind, bind_unix, listening, url_of
from app.core.ops.server.supervisor import Supervisor
from app.settings import APP_DIR, Settings, load_settings

logger = logging.getLogger(__name__)

_ROOT_PATH: Final = re.compile(r"(/[A-Za-z0-9._~-]+)*/?")


def _as_root_path(_: click.Context, __: click.Parameter, value: str) -> str:
    if not _ROOT_PATH.fullmatch(value):
        raise click.BadParameter(f"{value!r} is not a path; write it like /backend")
    return value.rstrip("/")


@click.command("run")
@click.option("--host", default="127.0.0.1", show_default=True, envvar="HOST", help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, envvar="PORT", type=click.IntRange(0, 65535), help="Port to listen on."
)
@click.option("--uds", type=click.Path(path_type=Path), help="Unix socket to listen on, instead of a port.")
@click.option(
    "--workers",
    default=1,
    show_default=True,
    envvar="WEB_CONCURRENCY",
    type=click.IntRange(min=1),
    help="Number of worker processes; a worker that dies or hangs is replaced.",
)
@click.option(
    "--keep-alive",
    default=75,
    show_default=True,
    type=click.IntRange(min=1),
    help="Seconds until an idle connection is closed; choose more than the proxy in front.",
)
@click.option(
    "--root-path",
    default="",
    callback=_as_root_path,
    help="Path prefix that a proxy in front removes, like /backend.",
)
@click.option("--reload", is_flag=True, help="Restart when a file changes; for development.")
@explained
def command(  # noqa: PLR0917  # click passes them by name
    host: str, port: int, uds: Path | None, workers: int, keep_alive: int, root_path: str, reload: bool
) -> None:
    """Serve the application.

    A SQLite database is created and migrated first. A PostgreSQL database must be migrated with `app migrate` before.
    SIGTERM stops the server gracefully, within SHUTDOWN_SECONDS. The environment variables HOST, PORT and
    WEB_CONCURRENCY are the defaults of --host, --port and --workers.
    """
    if reload and workers > 1:
        raise click.UsageError("--reload and --workers cannot be used together; leave one of them out")
    if uds and _is_given("host", "port"):
        raise click.UsageError("--uds cannot be used with --host or --port; leave one of them out")
    settings = load_settings()
    refuse_missing_client(settings)
    if settings.uses_jwks:
        make_http_client(jwks_url(settings))  # reports an error once, and not in each worker
    with listening(bind_unix(uds) if uds else bind(host, port)) as bound:
        prepare(settings)
        if not settings.uses_jwks:
            signing_keys(settings)  # creates a missing secret once, and not in each worker
        configure_logging(settings)
        if unknown := unknown_among(applied(settings)):
            logger.warning("the database is newer than this version, which lacks the migration %s", ", ".join(unknown))
        greet(settings, url_of(bound, host) + root_path)
        if workers > 1 and settings.rate and not settings.rate_limit_storage:
            logger.warning("each of %d workers counts requests for itself; with RATE_LIMIT_STORAGE they share", workers)
        exit_code = _serve(_options(settings, keep_alive, root_path), bound, workers, reload=reload)
    sys.exit(exit_code)


def _is_given(*names: str) -> bool:
    sources = map(click.get_current_context().get_parameter_source, names)
    return ParameterSource.COMMANDLINE in sources


def _options(settings: Settings, keep_alive: int, root_path: str) -> ServerOptions:
    return ServerOptions(
        keep_alive=keep_alive,
        root_path=root_path,
        drain_seconds=settings.effective_drain_seconds,
        shutdown_seconds=settings.shutdown_seconds,
        exit_when_hung=settings.is_production,
        reserved_descriptors=settings.database_pool_size + settings.database_max_overflow,
    )


def _serve(options: ServerOptions, bound: socket.socket, workers: int, *, reload: bool) -> int:
    if reload:
        config = make_config(options)
        config.reload, config.reload_dirs = True, [APP_DIR]
        ChangeReload(config, target=uvicorn.Server(config).run, sockets=[bound]).run()
    elif workers > 1:
        return Supervisor(options, [bound], workers).run()
    else:
        ServingProcess(options).run([bound])
    return 0


def prepare(settings: Settings) -> None:
    """Apply missing migrations to SQLite; for PostgreSQL, raise a ClickException that names them."""
    missing = pending(settings)
    if missing and _is_sqlite(settings):
        upgrade(settings)
    elif missing:
        raise click.ClickException(f"the database lacks the migrations {', '.join(missing)}; run `app migrate` first")


def greet(settings: Settings, address: str) -> None:
    """Print the environment, the URL of the docs, the database (without its password), and how to get a token."""
    url = database_url(settings.database_url.get_secret_value())
    click.echo(
        f"APP_ENV:  {settings.app_env}"
        + ("" if settings.is_production else " (set production where others can reach it)")
    )
    click.echo(f"Docs:     {address}/schema")
    click.echo(f"Database: {display_url(url)}")
    click.echo(f"A token:  {_token_from(settings)}")


def _token_from(settings: Settings) -> str:
    if settings.uses_jwks:
        return "GET /api/auth/token, at Better Auth"
    return "HS256, signed with BETTER_AUTH_SECRET" if settings.is_production else "app token alice"


def _is_sqlite(settings: Settings) -> bool:
    return database_url(settings.database_url.get_secret_value()).get_backend_name() == "sqlite"

"""`app makemigrations`."""

import re
from pathlib import Path

import click

from app.core.cli.failures import explained, refuse_installed
from app.core.cli.output import explained_writing
from app.core.data.schema.migrations import make_migration, missing_operations
from app.settings import MIGRATIONS_DIR, load_settings


@click.command("makemigrations")
@click.argument("name", required=False)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if there is something to write.")
@explained
def command(name: str | None, check: bool) -> None:
    """Write migrations/versions/NNNN_NAME.py, which takes the tables from the last migration to the models.

    Compares with a scratch database of its own, so yours need not be there. Read what it wrote before you apply it.
    """
    load_settings()  # explains one that cannot be used
    if check and missing_operations():
        raise click.ClickException("the models differ from the migrations; run `app makemigrations NAME`")
    path = None if check else _write(_checked(name))
    click.echo(f"wrote {path}" if path else "the models are as the migrations make them: nothing to write")


def _write(name: str) -> Path | None:
    refuse_installed("migrations")
    with explained_writing(MIGRATIONS_DIR):
        return make_migration(name)


def _checked(name: str | None) -> str:
    if name is None:
        raise click.UsageError("Missing argument 'NAME': what the change is about, like add_due_date.")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise click.BadParameter("write it in lower case, like add_due_date", param_hint="NAME")
    return name

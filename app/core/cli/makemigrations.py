"""`app makemigrations`."""

import re

import click

from app.core.cli.failures import explained
from app.core.data.migrations import make_migration
from app.settings import load_settings


@click.command("makemigrations")
@click.argument("name")
@explained
def command(name: str) -> None:
    """Write migrations/versions/NNNN_NAME.py, which takes the tables from the last migration to the models.

    Compares with a scratch database of its own, so yours need not be there. Read what it wrote before you apply it.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise click.BadParameter("write it in lower case, like add_due_date", param_hint="NAME")
    load_settings()  # explains one that cannot be used
    path = make_migration(name)
    click.echo(f"wrote {path}" if path else "the models are as the migrations make them: nothing to write")

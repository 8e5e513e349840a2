"""`app migrate`."""

import click

from app.core.cli.failures import explained
from app.core.data.schema.migrations import pending, upgrade
from app.settings import load_settings


@click.command("migrate")
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if a migration is missing.")
@explained
def command(check: bool) -> None:
    """Bring the database up to the newest migration: all of the missing ones, or, if one fails, none.

    Uses MIGRATION_DATABASE_URL where it is set: behind a pooler, migrations want the direct endpoint.
    """
    settings = load_settings()
    missing = pending(settings)
    if check and missing:
        raise click.ClickException(f"the database lacks {', '.join(missing)}; run `app migrate`")
    if missing:
        upgrade(settings)
    click.echo(f"applied {', '.join(missing)}" if missing else "nothing to apply")

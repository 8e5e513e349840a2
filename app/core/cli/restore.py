"""`app restore`."""

from pathlib import Path

import click

from app.core.cli.context import AppContext
from app.core.cli.failures import explained
from app.core.cli.output import print_counts
from app.core.cli.progress import progress
from app.core.cli.sessions import prepare_as_owner
from app.core.data.schema.revisions import pending
from app.core.data.transfer.backup.database import Database


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, readable=True))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
@explained
def command(context: AppContext, file: Path, yes: bool) -> None:
    """Replace everything in the database by FILE, which `app backup` wrote. If it fails, nothing changes.

    Rows that were stored after the backup are lost, and their ids can be used again. The application can serve at the
    same time: it reads either the old rows or the new ones. Writes wait, and on PostgreSQL all requests; a request that
    waits too long gets a 503.

    If a SQLite database is damaged: first stop the application, and move the database file and its -wal and -shm files
    away. On PostgreSQL, pg_restore and psql must be on PATH, and the roles that the backup grants rights to must exist;
    all tables in the owner's schema are dropped first. The role of MIGRATION_DATABASE_URL is used if it is set.
    """
    settings = prepare_as_owner(context)
    database = Database(settings)
    database.verify(file)
    lost = {} if yes else database.rows()
    if lost:
        print_counts(lost, "stored", nothing="", err=True)
        click.confirm(f"Replace all of these rows in {database.name}?", abort=True, err=True)
    with progress("restoring", database.steps(file)) as advance:
        database.restore(file, advance)
    click.echo(f"restored {file} into {database.name}")
    if missing := pending(settings):
        click.echo(f"the backup lacks the migrations {', '.join(missing)}; run `app migrate`")

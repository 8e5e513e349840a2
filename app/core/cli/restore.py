"""`app restore`."""

from pathlib import Path

import click

from app.core.cli.context import AppContext
from app.core.cli.failures import explained
from app.core.cli.output import tell_counts
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
    """Put FILE, which `app backup` wrote, in the place of all that the database holds: all of it or, if it fails, none.

    What was stored since the backup is lost, and ids are given again. The application may serve meanwhile: it finds
    all of the old or all of the new, and writes wait, on PostgreSQL all requests; one that waits too long is a 503.

    On SQLite, if the database is damaged: stop the application, and move the file, its -wal and its -shm away before.
    On PostgreSQL it needs pg_restore and psql on PATH, the role of MIGRATION_DATABASE_URL where it is set, and the
    roles that the backup grants rights to; all tables in the owner's schema are dropped before.
    """
    settings = prepare_as_owner(context)
    database = Database(settings)
    database.refuse_other_files(file)
    lost = {} if yes else database.rows()
    if lost:
        tell_counts(lost, "stored", nothing="", err=True)
        click.confirm(f"Replace all of this, which is in {database.name}?", abort=True, err=True)
    with progress("restoring", database.steps(file)) as advance:
        database.restore(file, advance)
    click.echo(f"restored {file} into {database.name}")
    if missing := pending(settings):
        click.echo(f"it lacks the migrations {', '.join(missing)}; run `app migrate`")

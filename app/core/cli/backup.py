"""`app backup`."""

from pathlib import Path

import click

from app.core.cli.context import AppContext
from app.core.cli.failures import explained
from app.core.cli.output import explained_writing
from app.core.cli.progress import progress
from app.core.cli.sessions import prepare_as_owner
from app.core.data.transfer.backup.database import Database


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace an existing FILE after the new backup is complete.")
@click.pass_obj
@explained
def command(context: AppContext, file: Path, force: bool) -> None:
    """Write a consistent snapshot of the whole database to FILE, for `app restore`, while the application serves.

    FILE appears only after it is complete and was verified; only its owner can read it. A SQLite database is copied as
    it is. PostgreSQL is copied with pg_dump, which must be on PATH and at least as new as the server, as the role of
    MIGRATION_DATABASE_URL if that is set.
    """
    database = Database(prepare_as_owner(context))
    with explained_writing(file), progress("backing up", database.steps()) as advance:
        revisions = database.back_up(file, advance, replaces=force)
    click.echo(f"wrote {file}: {file.stat().st_size} bytes of {database.name}, at {', '.join(sorted(revisions))}")

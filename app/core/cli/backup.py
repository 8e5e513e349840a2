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
@click.option("--force", is_flag=True, help="Replace FILE, if there is one, when the new one is whole.")
@click.pass_obj
@explained
def command(context: AppContext, file: Path, force: bool) -> None:
    """Write the whole database to FILE, which `app restore` reads: of one moment, while others serve and write.

    FILE gets its name when all of it is stored and was read again; nobody else may read it. SQLite is copied as it is.
    PostgreSQL is copied by pg_dump, which has to be on PATH and not older than the server; MIGRATION_DATABASE_URL is
    used where it is set.
    """
    database = Database(prepare_as_owner(context))
    with explained_writing(file), progress("backing up", database.steps()) as advance:
        revisions = database.back_up(file, advance, replaces=force)
    click.echo(f"wrote {file}: {file.stat().st_size} bytes of {database.name}, at {', '.join(sorted(revisions))}")

"""`app user`: export and erase all rows of one user."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import click

from app.core.cli.context import AppContext
from app.core.cli.failures import explained
from app.core.cli.output import destination, new_file_option, print_counts
from app.core.cli.sessions import as_user, prepare, user_id
from app.core.data.ownership.session import AppSession
from app.core.data.transfer.account import count_rows, erase_rows, export_rows


@click.group("user")
def command() -> None:
    """Export or erase all rows of one user, in every table."""


@command.command("export")
@click.argument("user", metavar="ID", callback=user_id)
@new_file_option
@click.pass_obj
@explained
def export(context: AppContext, user: str, output: Path | None) -> None:
    """Write all rows of the user ID as JSON lines.

    The rows are a consistent snapshot. A row comes after the rows that it refers to, unless tables refer to each other
    or a table refers to itself. A line is {"table": "tasks", "row": {...}}. The number of rows of each table goes to
    standard error.
    """
    prepare(context)
    with destination(output) as file:
        counts = asyncio.run(as_user(user, lambda session: _write(session, file), snapshot=True))
    print_counts(counts, "exported", nothing=f"the user {user} has no rows", err=True)


@command.command("erase")
@click.argument("user", metavar="ID", callback=user_id)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
@explained
def erase(context: AppContext, user: str, yes: bool) -> None:
    """Delete all rows of the user ID. If it fails, no row is deleted.

    Close the account in Better Auth first: with a valid token the user can store new rows. The rows stay in backups,
    and on the disk until the database overwrites them.
    """
    prepare(context)
    counts = asyncio.run(as_user(user, count_rows))
    if any(counts.values()) and not yes:
        print_counts(counts, "stored", nothing="", err=True)
        click.confirm(f"Erase all of these rows of {user}?", abort=True, err=True)
    if any(counts.values()):
        counts = asyncio.run(as_user(user, erase_rows))
    print_counts(counts, "erased", nothing=f"the user {user} has no rows")


async def _write(session: AppSession, file: IO[bytes]) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    async for found in export_rows(session):
        file.write(found.line())
        counts[found.table] += 1
    return counts

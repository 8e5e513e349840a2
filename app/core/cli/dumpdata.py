"""`app dumpdata`."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import click

from app.core.cli.context import AppContext
from app.core.cli.failures import explained
from app.core.cli.output import destination, new_file_option, print_counts
from app.core.cli.progress import progress
from app.core.cli.sessions import as_everyone, prepare
from app.core.data.ownership.session import AppSession
from app.core.data.tables.registry import sorted_models
from app.core.data.transfer.dumps import dump_rows
from app.core.data.transfer.read import count_rows


@click.command("dumpdata")
@new_file_option
@click.pass_obj
@explained
def command(context: AppContext, output: Path | None) -> None:
    """Write all rows of all users as JSON lines, for `app loaddata`.

    The rows are a consistent snapshot, and writes do not wait for it. A row comes after the rows that it refers to,
    unless tables refer to each other or a table refers to itself. A line is {"table": "tasks", "row": {...}}, in the
    same form for SQLite and PostgreSQL. The number of rows of each table goes to standard error.
    """
    prepare(context)
    with destination(output) as file:
        counts = asyncio.run(as_everyone(lambda session: _write(session, file), snapshot=True))
    print_counts(counts, "dumped", nothing="there are no rows", err=True)


async def _write(session: AppSession, file: IO[bytes]) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    total = sum([await count_rows(session, model) for model in sorted_models()])
    with progress("dumping", total, beside_output=True) as advance:
        async for found in dump_rows(session):
            file.write(found.line())
            counts[found.table] += 1
            advance(1)
    return counts

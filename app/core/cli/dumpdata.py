"""`app dumpdata`."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import click

from app.core.cli.context import AppContext
from app.core.cli.failures import explained
from app.core.cli.output import destination, new_file_option, tell_counts
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
    """Write all rows of everyone as JSON lines, for `app loaddata`.

    A row comes behind those that it refers to, but where tables refer to each other or a table to itself.
    All are of one moment, and nobody who writes meanwhile has to wait. A line is {"table": "tasks", "row": {...}}, the
    same from every database. How many there are of each table goes to standard error.
    """
    prepare(context)
    with destination(output) as file:
        counts = asyncio.run(as_everyone(lambda session: _write(session, file), snapshot=True))
    tell_counts(counts, "dumped", nothing="nothing is stored", err=True)


async def _write(session: AppSession, file: IO[bytes]) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    total = sum([await count_rows(session, model) for model in sorted_models()])
    with progress("dumping", total, beside_output=True) as advance:
        async for found in dump_rows(session):
            file.write(found.line())
            counts[found.table] += 1
            advance(1)
    return counts

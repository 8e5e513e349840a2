"""`app loaddata`."""

import asyncio
import os
from collections.abc import Iterator
from typing import IO

import click

from app.core.cli.context import AppContext
from app.core.cli.failures import explained
from app.core.cli.output import print_counts
from app.core.cli.progress import Advance, progress
from app.core.cli.sessions import as_everyone, prepare
from app.core.data.transfer.dumps import load_rows


@click.command("loaddata")
@click.argument("file", type=click.File("rb"))
@click.pass_obj
@explained
def command(context: AppContext, file: IO[bytes]) -> None:
    """Store the rows of FILE, which `app dumpdata` wrote. With - as FILE, read standard input.

    If one row cannot be stored, no row is. Ids and owners stay the same, so the tables must be empty before.
    """
    prepare(context)
    with progress("loading", _size(file)) as advance:
        counts = asyncio.run(as_everyone(lambda session: load_rows(session, _tracked(file, advance))))
    print_counts(counts, "loaded", nothing="the file has no rows")


def _size(file: IO[bytes]) -> int:
    try:
        return os.fstat(file.fileno()).st_size
    except OSError:
        return 0  # unknown, as for a pipe


def _tracked(lines: IO[bytes], advance: Advance) -> Iterator[bytes]:
    for line in lines:
        yield line
        advance(len(line))

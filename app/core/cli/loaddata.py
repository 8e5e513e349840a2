"""`app loaddata`."""

import asyncio
import os
from collections.abc import Iterator
from typing import IO

import click

from app.core.cli.context import AppContext
from app.core.cli.failures import explained
from app.core.cli.output import tell_counts
from app.core.cli.progress import Advance, progress
from app.core.cli.sessions import as_everyone, prepare
from app.core.data.transfer.dumps import load_rows


@click.command("loaddata")
@click.argument("file", type=click.File("rb"))
@click.pass_obj
@explained
def command(context: AppContext, file: IO[bytes]) -> None:
    """Store the rows of FILE, which `app dumpdata` wrote; - is standard input.

    All of it is stored or, if one line cannot be, nothing. Ids and owners stay as they are, so the tables have to be
    empty: nothing is overwritten.
    """
    prepare(context)
    with progress("loading", _size(file)) as advance:
        counts = asyncio.run(as_everyone(lambda session: load_rows(session, _followed(file, advance))))
    tell_counts(counts, "loaded", nothing="there was nothing to load")


def _size(file: IO[bytes]) -> int:
    """How many bytes there will be; 0 where nobody knows, as of a pipe."""
    try:
        return os.fstat(file.fileno()).st_size
    except OSError:
        return 0


def _followed(lines: IO[bytes], advance: Advance) -> Iterator[bytes]:
    for line in lines:
        yield line
        advance(len(line))

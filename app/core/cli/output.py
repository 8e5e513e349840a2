"""The output of a command: standard output, or the file of `--output`."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click

new_file_option: Callable[[Any], Any] = click.option(
    "--output", type=click.Path(path_type=Path), help="New file to write to; the default is standard output."
)


@contextmanager
def destination(output: Path | None) -> Iterator[IO[bytes]]:
    """Yield standard output or a new file; a write error is a one-line error."""
    with explained_writing(output):
        if output is None:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        else:
            with _new_file(output) as file:
                yield file


@contextmanager
def explained_writing(output: Path | None) -> Iterator[None]:
    """Show an OSError of the block as a one-line error that names the file."""
    try:
        yield
    except BrokenPipeError:
        raise  # the reader has closed the pipe: click ends without a message
    except OSError as error:
        raise click.ClickException(f"cannot write {output or 'to standard output'}: {error.strerror}") from None


def print_counts(counts: Mapping[str, int], done: str, *, nothing: str, err: bool = False) -> None:
    """Print how many rows of each table were `done`, or the text `nothing` if there were none."""
    for table, rows in counts.items():
        if rows:
            click.echo(f"{table}: {rows} {done}", err=err)
    if not any(counts.values()):
        click.echo(nothing, err=err)


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    # Only the owner can read the file. An incomplete file is removed.
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        try:
            yield file
            file.flush()
        except BaseException:
            path.unlink(missing_ok=True)
            raise

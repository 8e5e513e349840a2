"""Where a command writes what it was asked for: standard output, or the file of `--output`."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click

new_file_option: Callable[[Any], Any] = click.option(
    "--output", type=click.Path(path_type=Path), help="A new file to write to, instead of standard output."
)


@contextmanager
def destination(output: Path | None) -> Iterator[IO[bytes]]:
    """Standard output, or a new file; what cannot be written is one line."""
    with explained_writing(output):
        if output is None:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        else:
            with _new_file(output) as file:
                yield file


@contextmanager
def explained_writing(output: Path | None) -> Iterator[None]:
    """Say in one line what stands in the way of writing there."""
    try:
        yield
    except BrokenPipeError:
        raise  # a reader that has seen enough: click ends without a word
    except OSError as error:
        raise click.ClickException(f"cannot write {output or 'to standard output'}: {error.strerror}") from None


def tell_counts(counts: Mapping[str, int], done: str, *, nothing: str, err: bool = False) -> None:
    """Say how many rows of each table were `done`, or that there was nothing."""
    for table, rows in counts.items():
        if rows:
            click.echo(f"{table}: {rows} {done}", err=err)
    if not any(counts.values()):
        click.echo(nothing, err=err)


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that nobody else may read; it is removed again if it would stay incomplete."""
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        try:
            yield file
            file.flush()
        except BaseException:
            path.unlink(missing_ok=True)
            raise

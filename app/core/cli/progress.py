"""The progress bar of a long command: on standard error, if that is a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import click


class Advance(Protocol):
    """Moves the bar forward by a number of steps."""

    def __call__(self, steps: int, /) -> None: ...


@contextmanager
def progress(label: str, length: int, *, beside_output: bool = False) -> Iterator[Advance]:
    """Show a bar; with `beside_output`, only if standard output is not a terminal as well."""
    hidden = not sys.stderr.isatty() or (beside_output and sys.stdout.isatty())
    steps = max(1, length // 200)
    with click.progressbar(
        length=length, label=label, file=sys.stderr, hidden=hidden, update_min_steps=steps, show_pos=True
    ) as bar:
        yield bar.update

"""How far a long command is: a bar on standard error, where that is a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import click


class Advance(Protocol):
    """What moves the bar."""

    def __call__(self, steps: int, /) -> None:
        """Move it on."""


@contextmanager
def progress(label: str, length: int, *, beside_output: bool = False) -> Iterator[Advance]:
    """Show a bar; not `beside_output` of the command that goes to the same terminal."""
    hidden = not sys.stderr.isatty() or (beside_output and sys.stdout.isatty())
    steps = max(1, length // 200)
    with click.progressbar(
        length=length, label=label, file=sys.stderr, hidden=hidden, update_min_steps=steps, show_pos=True
    ) as bar:
        yield bar.update

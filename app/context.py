"""The context of the commands: what they need from the modules above them. They get it by `click.pass_obj`."""

from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Final

import click

from app.asgi import create_app
from app.core.cli.context import AppContext
from app.installed import INSTALLED, refuse_unlisted


def import_from_nouns(name: str) -> None:
    """Import the file of this name from the folder of every noun that has one."""
    for controller in INSTALLED:
        module = f"{controller.__module__.rpartition('.')[0]}.{name}"
        if find_spec(module):
            import_module(module)


def _load_nouns() -> None:
    # The import of this file has imported them.
    try:
        refuse_unlisted()
    except RuntimeError as error:
        raise click.ClickException(str(error)) from None


CONTEXT: Final = AppContext(
    load_nouns=_load_nouns,
    load_checks=partial(import_from_nouns, "checks"),
    load_factories=partial(import_from_nouns, "factories"),
    make_app=create_app,
)

"""The context object of the commands (`click.pass_obj`), with functions from the modules above `app.core`."""

from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Final

import click

from app.asgi import create_app
from app.core.cli.context import AppContext
from app.installed import installed_packages, refuse_unlisted


def import_from_installed(name: str) -> None:
    """Import the module of this name from each package in `installed.py` that has one."""
    for package in installed_packages():
        if find_spec(f"{package}.{name}"):
            import_module(f"{package}.{name}")


def _load_nouns() -> None:
    # They were imported with this file.
    try:
        refuse_unlisted()
    except RuntimeError as error:
        raise click.ClickException(str(error)) from None


CONTEXT: Final = AppContext(
    load_nouns=_load_nouns,
    load_checks=partial(import_from_installed, "checks"),
    load_factories=partial(import_from_installed, "factories"),
    make_app=create_app,
)

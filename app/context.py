"""The context of the commands: what they need from the modules above them. They get it by `click.pass_obj`."""

from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Final

import click

from app.asgi import create_app
from app.core.cli.context import AppContext
from app.installed import installed_packages, refuse_unlisted


def import_from_installed(name: str) -> None:
    """Import the module of this name from every package that is installed and has one."""
    for package in installed_packages():
        if find_spec(f"{package}.{name}"):
            import_module(f"{package}.{name}")


def _load_nouns() -> None:
    # The import of this file has imported them.
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

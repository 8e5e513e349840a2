"""Alembic's configuration: where the migrations are, and what env.py is told about one run of a command."""

from argparse import Namespace
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import URL

# Imported for what it registers: the operations that migrations call, and autogenerate's comparison.
from app.core.data.schema import operations as operations  # noqa: PLC0414
from app.settings import MIGRATIONS_DIR


def alembic_config(url: URL | None = None, **attributes: Any) -> Config:
    """Return the configuration for alembic's commands; env.py reads the URL and the attributes."""
    # quiet: alembic would name each file that it writes, and our commands do so themselves.
    config = Config(attributes=attributes | {"url": url}, cmd_opts=Namespace(quiet=True))
    config.set_main_option("script_location", str(MIGRATIONS_DIR).replace("%", "%%"))  # it is read as an ini file is
    return config


def script_directory() -> ScriptDirectory:
    """Return the migrations of this version."""
    return ScriptDirectory.from_config(alembic_config())

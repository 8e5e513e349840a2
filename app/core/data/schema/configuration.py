"""Alembic's configuration: the folder of the migrations, and the attributes that a command passes to env.py."""

from argparse import Namespace
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import URL

# The import registers the operations that migrations call, and their comparison in autogenerate.
from app.core.data.schema import operations as operations  # noqa: PLC0414
from app.settings import MIGRATIONS_DIR


def alembic_config(url: URL | None = None, **attributes: Any) -> Config:
    """Return the configuration for alembic's commands; env.py reads the URL and the attributes."""
    # quiet: our commands name the files that alembic writes.
    config = Config(attributes=attributes | {"url": url}, cmd_opts=Namespace(quiet=True))
    config.set_main_option("script_location", str(MIGRATIONS_DIR).replace("%", "%%"))  # "%" interpolates in ini files
    return config


def script_directory() -> ScriptDirectory:
    """Return the migrations of this version."""
    return ScriptDirectory.from_config(alembic_config())

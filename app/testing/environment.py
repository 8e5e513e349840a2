"""The environment of a test run, without the developer's settings."""

import os

from app.core.cli.run import command as run
from app.settings import Settings

_OPTIONS = {option.envvar.lower() for option in run.params if isinstance(option.envvar, str)}


def remove_settings() -> None:
    """Remove all settings from the environment, and let child processes ignore `.env`."""
    for name in list(os.environ):
        if name.lower() in Settings.model_fields or name.lower() in _OPTIONS:
            del os.environ[name]
    os.environ["PYTHON_DOTENV_DISABLED"] = "1"

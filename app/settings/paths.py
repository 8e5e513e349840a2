"""Paths: the package, its migrations, `.env` and `.data`."""

from pathlib import Path
from typing import Final

APP_DIR: Final = Path(__file__).resolve().parent.parent
# In a checkout the migrations are beside the package, in a wheel inside it (see pyproject.toml).
IS_CHECKOUT: Final = not (APP_DIR / "migrations" / "env.py").exists()
MIGRATIONS_DIR: Final = (APP_DIR.parent if IS_CHECKOUT else APP_DIR) / "migrations"
# The folder of `.env` and `.data`: the checkout, or for an installed package the working directory.
BASE_DIR: Final = APP_DIR.parent if IS_CHECKOUT else Path.cwd()
DATA_DIR: Final = BASE_DIR / ".data"

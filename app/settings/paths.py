"""Where things lie: the package, its migrations, and what a project keeps beside them."""

from pathlib import Path
from typing import Final

APP_DIR: Final = Path(__file__).resolve().parent.parent
# A checkout has the migrations beside the package, an installed package inside of it (see pyproject.toml).
IS_CHECKOUT: Final = not (APP_DIR / "migrations" / "env.py").exists()
MIGRATIONS_DIR: Final = (APP_DIR.parent if IS_CHECKOUT else APP_DIR) / "migrations"
# Where `.env` and `.data` lie: in the checkout, wherever a command is called; else in the working directory.
BASE_DIR: Final = APP_DIR.parent if IS_CHECKOUT else Path.cwd()
DATA_DIR: Final = BASE_DIR / ".data"

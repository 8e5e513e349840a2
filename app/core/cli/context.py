"""What the commands borrow from the lobby, which they may not import: `ctx.obj`, see `app/__main__.py`."""

from collections.abc import Callable
from typing import Any, Protocol

from litestar import Litestar

from app.core.data.tables.owned import Owned
from app.settings import Settings


class AppContext(Protocol):
    """Each method imports what it needs when it is called, so that `--help` is quick."""

    def load_nouns(self) -> None:
        """Import the nouns, so that all of their tables are known.

        Raises:
            RuntimeError: a noun is not listed in `installed.py`.
        """

    def load_checks(self) -> None:
        """Import the nouns, and the checks of those that have some."""

    def make_app(self, settings: Settings) -> Litestar:
        """Return the application; nothing is started and nothing is connected."""

    def load_factories(self) -> Callable[[type[Owned]], Any]:
        """Import the factories of all nouns; return what finds the one of a table."""

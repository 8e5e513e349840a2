"""The parts of the application that commands need but cannot import, because imports go one way."""

from collections.abc import Callable
from dataclasses import dataclass

from litestar import Litestar

from app.settings import Settings


@dataclass(frozen=True, slots=True)
class AppContext:
    """The object of `click.pass_obj`, from `app/context.py`. It imports a part on first use, so `--help` is quick."""

    load_nouns: Callable[[], None]
    """Import all nouns, so that their tables are known. Raises click.ClickException if a noun is not installed."""

    load_checks: Callable[[], None]
    """Import the `checks.py` of all nouns; the checks register themselves."""

    load_factories: Callable[[], None]
    """Import the `factories.py` of all nouns; the factories register themselves."""

    make_app: Callable[[Settings], Litestar]
    """Return the application, without starting it or opening a connection."""

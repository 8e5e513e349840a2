"""What the commands need from the modules above them, which they may not import: `app/context.py` fills it in."""

from collections.abc import Callable
from dataclasses import dataclass

from litestar import Litestar

from app.settings import Settings


@dataclass(frozen=True, slots=True)
class AppContext:
    """What `click.pass_obj` gives to a command; it is imported when a command first uses it, so `--help` is quick."""

    load_nouns: Callable[[], None]
    """Import all nouns, so that their tables are known. Raises click.ClickException if a noun is not installed."""

    load_checks: Callable[[], None]
    """Import the `checks.py` of all nouns; the checks register themselves."""

    load_factories: Callable[[], None]
    """Import the `factories.py` of all nouns; the factories register themselves."""

    make_app: Callable[[Settings], Litestar]
    """Return the application; it does not start, and opens no connection."""

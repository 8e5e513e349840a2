"""The migrations of the project as tests name them, however many there are."""

from typing import Final

from app.settings import MIGRATIONS_DIR

_STEMS: Final = sorted(path.stem for path in (MIGRATIONS_DIR / "versions").glob("[0-9]*.py"))
REVISIONS: Final = [stem.partition("_")[0] for stem in _STEMS]
"""All revisions in order; those that a test adds come later."""

TITLES: Final = [stem.replace("_", " (", 1).replace("_", " ") + ")" for stem in _STEMS]
"""The same as commands name them: `0004 (one key)`."""

NEWEST: Final = REVISIONS[-1]
NEXT: Final = f"{int(NEWEST) + 1:04}"
NEXT_BUT_ONE: Final = f"{int(NEWEST) + 2:04}"

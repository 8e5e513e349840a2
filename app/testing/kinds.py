"""The kinds of database, and on which of them a test runs: on all, unless one of the markers says otherwise."""

from typing import Final

import pytest

KINDS: Final = ("sqlite", "postgres", "restricted")
MARKERS: Final = (
    "any_database: does not depend on the kind of database; runs on one kind only",
    "hooks_alone: tests the session's hooks without row level security",
    "quick_on(*kinds): is `slow` on the other kinds of database; where none of these is tested, quick on the first",
)


def kinds_of(test: pytest.Item, chosen: str) -> list[pytest.ParameterSet]:
    """Return the parameters of a test that needs a database; `chosen` is the option --db."""
    kinds: tuple[str, ...] = {"all": KINDS, "both": KINDS[:2]}.get(chosen, (chosen,))
    if test.get_closest_marker("any_database"):
        kinds = kinds[:1]
    if test.get_closest_marker("hooks_alone"):
        kinds = tuple(kind for kind in kinds if kind != "restricted")
    quick = test.get_closest_marker("quick_on")
    named = [kind for kind in kinds if kind in quick.args] or kinds[:1] if quick else kinds
    return [pytest.param(kind, marks=() if kind in named else pytest.mark.slow) for kind in kinds]

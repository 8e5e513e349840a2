"""The revisions of this version's migrations, of the database, and the missing ones."""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple

from alembic.migration import MigrationContext
from alembic.script import Script

from app.core.data.schema.branches import refuse_branches
from app.core.data.schema.configuration import script_directory
from app.core.data.schema.engines import owner_url, reading_engine
from app.settings import Settings


class Revisions(NamedTuple):
    """The revisions of this version's migrations: all of them, and the heads."""

    all: frozenset[str]
    newest: frozenset[str]

    def are_behind(self, applied: AbstractSet[str]) -> bool:
        # A revision that is unknown to this version belongs to a newer one.
        return not applied or (applied <= self.all and applied != self.newest)


def known_revisions() -> Revisions:
    """Return the revisions of this version's migrations."""
    scripts = script_directory()
    names = (script.revision for script in scripts.walk_revisions())
    return Revisions(frozenset(names), frozenset(scripts.get_heads()))


def newest_migration() -> Script:
    """Return the newest migration."""
    script = script_directory().get_revision("head")
    assert script is not None, "a project has one head"  # noqa: S101
    return script


def applied(settings: Settings) -> tuple[str, ...]:
    """Return the current heads of the database: none, one, or two if there are two branches."""
    url = owner_url(settings)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return ()  # connecting would create the file
    with reading_engine(url).connect() as connection:
        return MigrationContext.configure(connection).get_current_heads()


def pending(settings: Settings) -> list[str]:
    """Return the revisions that the database lacks, oldest first; none if it is newer than this version."""
    scripts, current = script_directory(), applied(settings)
    refuse_branches(scripts)
    if unknown_among(current):
        return []
    found = scripts.iterate_revisions("heads", current or "base")
    return [script.revision for script in reversed(list(found))]


def unknown_among(revisions: Collection[str]) -> list[str]:
    """Return the revisions that are unknown to this version; a database with one of them is newer."""
    return sorted(set(revisions) - known_revisions().all)

"""Migrates a database up or down to a revision, with alembic's commands."""

from collections.abc import Callable
from pathlib import Path

from alembic import command

from app.core.data.schema.branches import refuse_branches
from app.core.data.schema.configuration import alembic_config, script_directory
from app.core.data.schema.engines import owner_url
from app.core.data.schema.fold_backfill import fill_folds
from app.core.data.schema.running.backoff import Backoff
from app.settings import InvalidSettings, Settings

Trace = Callable[[str], None] | None
"""A function that gets each statement that SQLite executes."""


def upgrade(settings: Settings, revision: str = "head", backoff: Backoff | None = None, trace: Trace = None) -> None:
    """Migrate up to a revision. Each migration commits by itself, and stays applied when a later one fails.

    Raises:
        InvalidSettings: the folder of the SQLite file cannot be made.
        MigrationError: a lock was not free within the timeout.
        UnfitRows: an online migration found rows that break its constraint.
    """
    url = owner_url(settings)
    refuse_branches(script_directory())
    if url.get_backend_name() == "sqlite" and url.database:
        _make_folder(Path(url.database).parent)
    backoff = backoff or Backoff()
    command.upgrade(alembic_config(url, backoff=backoff, trace=trace), revision)
    fill_folds(url, backoff)


def downgrade(settings: Settings, revision: str, backoff: Backoff | None = None, trace: Trace = None) -> None:
    """Migrate down to a revision, or to `base`, an empty database; the same errors as `upgrade()`."""
    command.downgrade(alembic_config(owner_url(settings), backoff=backoff, trace=trace), revision)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidSettings(
            f"DATABASE_URL is a SQLite file in {path}, which cannot be made: {error.strerror}; make it, or set"
            " DATABASE_URL to another database"
        ) from None

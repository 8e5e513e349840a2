"""Migrations: a database up to a revision, or back to one (see `running/applying.py` for how they run)."""

from collections.abc import Callable
from pathlib import Path

from alembic import command

from app.core.data.schema.branches import refuse_branches
from app.core.data.schema.configuration import alembic_config, script_directory
from app.core.data.schema.engines import owner_url
from app.core.data.schema.running.backoff import Backoff
from app.settings import InvalidSettings, Settings

Trace = Callable[[str], None] | None
"""What gets the statements that SQLite executes."""


def upgrade(settings: Settings, revision: str = "head", backoff: Backoff | None = None, trace: Trace = None) -> None:
    """Bring the database up to a revision; a SQLite file is created where there is none.

    Each migration is stored when it is done, and stays when a later one fails.

    Raises:
        InvalidSettings: the folder of the SQLite file cannot be made.
        MigrationError: a lock was not free within the timeout.
        UnfitRows: a migration that runs online found rows that it does not fit.
    """
    url = owner_url(settings)
    refuse_branches(script_directory())
    if url.get_backend_name() == "sqlite" and url.database:
        _make_folder(Path(url.database).parent)
    command.upgrade(alembic_config(url, backoff=backoff, trace=trace), revision)


def downgrade(settings: Settings, revision: str, backoff: Backoff | None = None, trace: Trace = None) -> None:
    """Take the database back to a revision, `base` for an empty one. Tables that it drops lose their rows.

    Raises:
        MigrationError: a lock was not free within the timeout.
    """
    command.downgrade(alembic_config(owner_url(settings), backoff=backoff, trace=trace), revision)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidSettings(
            f"DATABASE_URL is a SQLite file in {path}, which cannot be made: {error.strerror}; make it, or set"
            " DATABASE_URL to another database"
        ) from None

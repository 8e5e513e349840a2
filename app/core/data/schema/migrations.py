"""Migrations: a database up to a revision, or back to one (see `running/applying.py` for how they run)."""

from pathlib import Path

from alembic import command

from app.core.data.schema.branches import refuse_branches
from app.core.data.schema.configuration import alembic_config, script_directory
from app.core.data.schema.engines import owner_url
from app.core.data.schema.running.patience import Patience
from app.settings import InvalidSettings, Settings


def upgrade(settings: Settings, revision: str = "head", patience: Patience | None = None) -> None:
    """Bring the database up to a revision; a SQLite file is created where there is none.

    Each migration is stored when it is done, and stays when a later one fails.

    Raises:
        InvalidSettings: the folder of the SQLite file cannot be made.
        MigrationError: others were in the way for longer than the patience lasts.
        UnfitRows: a migration that runs online found rows that it does not fit.
    """
    url = owner_url(settings)
    refuse_branches(script_directory())
    if url.get_backend_name() == "sqlite" and url.database:
        _make_folder(Path(url.database).parent)
    command.upgrade(alembic_config(url, patience=patience), revision)


def downgrade(settings: Settings, revision: str, patience: Patience | None = None) -> None:
    """Take the database back to a revision, `base` for an empty one. Tables that it drops lose their rows.

    Raises:
        MigrationError: others were in the way for longer than the patience lasts.
    """
    command.downgrade(alembic_config(owner_url(settings), patience=patience), revision)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidSettings(
            f"DATABASE_URL is a SQLite file in {path}, which cannot be made: {error.strerror}; make it, or set"
            " DATABASE_URL to another database"
        ) from None

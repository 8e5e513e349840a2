"""Backup and restore of the database in the settings, for both kinds of database."""

from pathlib import Path
from typing import Final, Protocol

from sqlalchemy import func, inspect, select, table

from app.core.data.connection.libpq import display_url
from app.core.data.errors import BackupFailed
from app.core.data.schema.engines import owner_url, reading_engine
from app.core.data.schema.revisions import known_revisions
from app.core.data.transfer.backup.files import Advance, database_kind, written_atomically
from app.core.data.transfer.backup.postgres import PostgresBackups
from app.core.data.transfer.backup.sqlite import SqliteBackups
from app.settings import Settings

_NAMES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_VERSIONS: Final = "alembic_version"


class Backups(Protocol):
    """Backup and restore for one kind of database; each method may raise BackupFailed."""

    def steps(self, backup: Path | None = None, /) -> int:
        """Return the number of steps of `write`, or of `restore`; 0 if it is unknown."""

    def write(self, target: Path, advance: Advance, /) -> None:
        """Copy a snapshot of the database into an empty file."""

    def read(self, backup: Path, /) -> frozenset[str]:
        """Verify a backup, and return its revisions; none if it is of another project."""

    def restore(self, backup: Path, advance: Advance, /) -> None:
        """Replace everything in the database by a backup, in one transaction, or change nothing."""


class Database:
    """The database, with the URL of the owner of its tables."""

    def __init__(self, settings: Settings) -> None:
        self._url = owner_url(settings)
        self._kind = self._url.get_backend_name()
        self._file = Path(self._url.database or "") if self._kind == "sqlite" else None
        self._backups: Backups = SqliteBackups(self._file) if self._file else PostgresBackups(self._url)
        self.name: Final = display_url(self._url)

    def steps(self, backup: Path | None = None) -> int:
        """Return the number of steps of `back_up`, or of `restore` from a backup; 0 if it is unknown."""
        if self._file and not backup and not self._file.exists():
            raise BackupFailed(f"there is no database {self._file}")
        return self._backups.steps(backup)

    def back_up(self, file: Path, advance: Advance, *, replaces: bool) -> frozenset[str]:
        """Write a backup, verify it, and return its revisions."""
        self._refuse_itself(file)
        with written_atomically(file, replaces=replaces) as temporary:
            self._backups.write(temporary, advance)
            revisions = self._backups.read(temporary)
            if not revisions:
                raise BackupFailed(
                    f"{self.name} has no migrations, so no tables of this project; run `app migrate` first"
                )
        return revisions

    def verify(self, file: Path) -> None:
        """Raise BackupFailed if a file is damaged, or is no backup of this kind of database and of this project."""
        self._refuse_itself(file)
        kind = database_kind(file)
        if kind is None:
            raise BackupFailed(f"{file} is no backup: `app backup` writes one; load a dump with `app loaddata`")
        if kind != self._kind:
            raise BackupFailed(f"{file} is a backup of {_NAMES[kind]}, and {self.name} is {_NAMES[self._kind]}")
        revisions = self._backups.read(file)
        if not revisions:
            raise BackupFailed(f"{file} has no migrations, so it is no backup of this project")
        if unknown := revisions - known_revisions().all:
            raise BackupFailed(f"{file} has the migration {', '.join(unknown)}, unknown to this version; update it")

    def rows(self) -> dict[str, int]:
        """Return the number of rows of each table that has some."""
        if self._file and not self._file.exists():  # connecting would create the file
            return {}
        engine = reading_engine(self._url)
        with engine.connect() as connection:
            names = (name for name in inspect(connection).get_table_names() if name != _VERSIONS)
            counts = {
                name: connection.execute(select(func.count()).select_from(table(name))).scalar_one() for name in names
            }
        return {name: rows for name, rows in counts.items() if rows}

    def restore(self, file: Path, advance: Advance) -> None:
        """Replace everything in the database by a verified backup; after BackupFailed it is unchanged."""
        self._backups.restore(file, advance)

    def _refuse_itself(self, file: Path) -> None:
        if self._file and self._file.exists() and file.exists() and self._file.samefile(file):
            raise BackupFailed(f"{file} is the database itself; name another file")

"""Backups of SQLite with its backup API, while the application reads and writes.

Backup and restore are one transaction each. Other connections see the old database until a restore commits.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from app.core.data.errors import BackupFailed
from app.core.data.transfer.backup.files import Advance

_PAGES: Final = 1024  # copied at a time, 4 MiB
_BUSY_TIMEOUT: Final = 10.0  # seconds that a restore waits for another writer


class SqliteBackups:
    """`Backups` of a SQLite file."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def steps(self, backup: Path | None = None) -> int:
        with _opened(backup or self._database, "ro" if backup else "rw") as source:
            return _number(source, "page_count")

    def write(self, target: Path, advance: Advance) -> None:
        with _opened(self._database, "rw") as source, _opened(target, "rw") as copy:
            copy.execute("PRAGMA journal_mode=OFF")  # a failed copy is deleted
            copy.execute("PRAGMA synchronous=OFF")  # `written_atomically` flushes it once
            _begin_read(source)
            source.backup(copy, pages=_PAGES, progress=_Progress(advance))
        with _opened(target, "rw") as copy:
            copy.execute("PRAGMA journal_mode=DELETE")  # the header was copied, and says WAL

    def read(self, backup: Path) -> frozenset[str]:
        with _opened(backup, "ro") as opened:
            _refuse_other_size(backup, opened)
            _refuse_inconsistent(backup, opened)
            if not opened.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
                return frozenset()
            return frozenset(revision for (revision,) in opened.execute("SELECT version_num FROM alembic_version"))

    def restore(self, backup: Path, advance: Advance) -> None:
        self._make_folder()
        with _opened(backup, "ro") as source, _opened(self._database, "rwc") as live:
            _begin_read(source)
            _match_page_size(source, live)
            live.execute("PRAGMA journal_mode=WAL")
            live.execute("PRAGMA secure_delete=ON")
            source.backup(live, pages=_PAGES, progress=_Progress(advance))
            _checkpoint(live)

    def _make_folder(self) -> None:
        try:
            self._database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise BackupFailed(f"{self._database.parent} cannot be made: {error.strerror}") from None


class _Progress:
    """Reports the progress of a copy, and gives up if another writer holds the lock too long."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._done = 0

    def __call__(self, status: int, remaining: int, total: int) -> None:
        if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:  # after a wait of _BUSY_TIMEOUT
            raise BackupFailed(f"another connection has been writing for {_BUSY_TIMEOUT:.0f} seconds; try again later")
        self._advance(total - remaining - self._done)
        self._done = total - remaining


@contextmanager
def _opened(file: Path, mode: str) -> Iterator[sqlite3.Connection]:
    # In autocommit mode. An error of SQLite inside the block becomes BackupFailed.
    try:
        url = f"{file.absolute().as_uri()}?mode={mode}"
        with closing(sqlite3.connect(url, uri=True, timeout=_BUSY_TIMEOUT, isolation_level=None)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise BackupFailed(f"SQLite fails on {file.name}: {error}") from None


def _refuse_other_size(backup: Path, opened: sqlite3.Connection) -> None:
    # SQLite reads the missing end of the last page as zeros, and ignores bytes after the last page.
    needed, size = _number(opened, "page_count") * _number(opened, "page_size"), backup.stat().st_size
    log = backup.with_name(f"{backup.name}-wal")
    if log.exists() and log.stat().st_size:  # a copy of a live database: its last pages can be in the WAL
        return
    if size != needed:
        raise BackupFailed(f"{backup.name} is damaged: it has {size} bytes, and its pages need {needed}")


def _refuse_inconsistent(backup: Path, opened: sqlite3.Connection) -> None:
    # quick_check takes a tenth of the time (0.2 s instead of 2.1 s for 200 MB), but does not compare indexes with rows.
    (found,) = opened.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise BackupFailed(f"{backup.name} is damaged: {found.strip().splitlines()[-1]}")


def _begin_read(source: sqlite3.Connection) -> None:
    # Without an open read transaction, SQLite restarts the copy after each write.
    source.execute("BEGIN")
    source.execute("SELECT 1 FROM sqlite_master").fetchone()


def _match_page_size(source: sqlite3.Connection, live: sqlite3.Connection) -> None:
    # The page size of a new file can be set; a database in WAL mode cannot change it.
    size = _number(source, "page_size")
    live.execute(f"PRAGMA page_size={size}")
    if _number(live, "page_count") and _number(live, "page_size") != size:
        raise BackupFailed(
            f"the pages of the backup have {size} bytes, and the pages of the database"
            f" {_number(live, 'page_size')}; stop the application, move the database away, and restore into a new file"
        )


def _checkpoint(live: sqlite3.Connection) -> None:
    # Truncates the WAL, unless a reader needs it; then a later checkpoint does so.
    live.execute("PRAGMA busy_timeout=1000")  # milliseconds; writers wait for the same time
    for mode in ("PASSIVE", "TRUNCATE"):  # PASSIVE blocks no connection, and leaves little work to TRUNCATE
        live.execute(f"PRAGMA wal_checkpoint({mode})")


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])

"""Backups of SQLite, by its own backup API, while others serve and write.

Both ways it copies pages from one transaction into another. A backup reads in a single transaction, so it is of one
moment, and nobody waits for it. A restore writes in a single transaction into the file that is served: whoever has it
open finds all of the old or all of the new, and a process that is killed in the middle leaves the old.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from app.core.data.errors import BackupFailed
from app.core.data.transfer.backup.files import Advance

_PAGES: Final = 1024  # copied at a time, 4 MB
_PATIENCE: Final = 10.0  # seconds that a restore waits for a writer


class SqliteBackups:
    """The backups of a SQLite file."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def steps(self, backup: Path | None = None) -> int:
        """Return how many pages there are to copy, from the database or from a backup."""
        with _opened(backup or self._database, "ro" if backup else "rw") as source:
            return _number(source, "page_count")

    def write(self, target: Path, advance: Advance) -> None:
        """Copy the database, as it is now, into an empty file, which needs no other file beside it.

        Raises:
            BackupFailed: it cannot be copied.
        """
        with _opened(self._database, "rw") as source, _opened(target, "rw") as copy:
            copy.execute("PRAGMA journal_mode=OFF")  # a copy that fails is thrown away
            copy.execute("PRAGMA synchronous=OFF")  # it is stored when it is whole
            _begin_to_read(source)
            source.backup(copy, pages=_PAGES, progress=_Follower(advance))
        with _opened(target, "rw") as copy:
            copy.execute("PRAGMA journal_mode=DELETE")  # the copy says of itself that it has a write-ahead log

    def read(self, backup: Path) -> frozenset[str]:
        """Look at all of a backup, and return the migrations that it has; none, where it is of something else.

        Raises:
            BackupFailed: it is damaged.
        """
        with _opened(backup, "ro") as opened:
            (found,) = opened.execute("PRAGMA integrity_check(1)").fetchone()
            if found != "ok":
                raise BackupFailed(f"{backup.name} is damaged: {found.strip().splitlines()[-1]}")
            if not opened.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
                return frozenset()
            return frozenset(revision for (revision,) in opened.execute("SELECT version_num FROM alembic_version"))

    def restore(self, backup: Path, advance: Advance) -> None:
        """Put a backup in the place of all that the database holds; nothing is changed if that fails.

        Raises:
            BackupFailed: somebody else writes all the time, or SQLite refuses.
        """
        self._make_folder()
        with _opened(backup, "ro") as source, _opened(self._database, "rwc") as live:
            _begin_to_read(source)
            _fit_pages(source, live)
            live.execute("PRAGMA journal_mode=WAL")
            live.execute("PRAGMA secure_delete=ON")
            source.backup(live, pages=_PAGES, progress=_Follower(advance))
            _shorten_log(live)

    def _make_folder(self) -> None:
        try:
            self._database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise BackupFailed(f"{self._database.parent} cannot be made: {error.strerror}") from None


class _Follower:
    """Moves the bar by what was copied, and gives up where another writer does not let go."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._done = 0

    def __call__(self, status: int, remaining: int, total: int) -> None:
        if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:  # after a wait of _PATIENCE
            raise BackupFailed(f"somebody has been writing to the database for {_PATIENCE:.0f} seconds; try it again")
        self._advance(total - remaining - self._done)
        self._done = total - remaining


@contextmanager
def _opened(file: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """Open a file in AUTOCOMMIT; what SQLite says against it, or against what the block does, is one sentence."""
    try:
        url = f"{file.absolute().as_uri()}?mode={mode}"
        with closing(sqlite3.connect(url, uri=True, timeout=_PATIENCE, isolation_level=None)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise BackupFailed(f"SQLite refuses {file.name}: {error}") from None


def _begin_to_read(source: sqlite3.Connection) -> None:
    """Stay at this moment: without it, whatever somebody writes would let the copy begin again."""
    source.execute("BEGIN")
    source.execute("SELECT 1 FROM sqlite_master").fetchone()


def _fit_pages(source: sqlite3.Connection, live: sqlite3.Connection) -> None:
    """Let a new file have pages of the same size; one that has a log cannot change it."""
    size = _number(source, "page_size")
    live.execute(f"PRAGMA page_size={size}")
    if _number(live, "page_count") and _number(live, "page_size") != size:
        raise BackupFailed(
            f"its pages have {size} bytes, and those of the database {_number(live, 'page_size')}; stop what serves it,"
            " move the database away, and restore into a new one"
        )


def _shorten_log(live: sqlite3.Connection) -> None:
    """Copy the log into the database, and let its file be empty again, if nobody is at it; else it is done later."""
    live.execute("PRAGMA busy_timeout=1000")  # milliseconds: writers wait as long
    for mode in ("PASSIVE", "TRUNCATE"):  # the first keeps nobody waiting, and leaves little to the other
        live.execute(f"PRAGMA wal_checkpoint({mode})")


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])

"""Backup files: written atomically, and recognized by their first bytes."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from app.core.data.errors import BackupFailed

Advance = Callable[[int], None]  # gets the number of steps since the last call

# The first bytes of a backup, and SQLAlchemy's name of the database.
_MAGIC: Final[Mapping[bytes, str]] = {b"SQLite format 3\0": "sqlite", b"PGDMP": "postgresql"}


def database_kind(file: Path) -> str | None:
    """Return the kind of database that a backup is of, `sqlite` or `postgresql`; None if it is no backup."""
    with file.open("rb") as opened:
        header = opened.read(max(map(len, _MAGIC)))
    return next((kind for magic, kind in _MAGIC.items() if header.startswith(magic)), None)


@contextmanager
def written_atomically(file: Path, *, replaces: bool) -> Iterator[Path]:
    """Yield the path of an empty private file, which is flushed to disk and renamed to `file` after the block.

    If the block raises, `file` stays as it was. BackupFailed if `file` exists and may not be replaced.
    """
    _refuse_existing(file, replaces=replaces)
    with TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:  # a folder, for SQLite's side files
        temporary = Path(folder, file.name)
        temporary.touch(mode=0o600)
        yield temporary
        _refuse_existing(file, replaces=replaces)
        _fsync(temporary)
        temporary.replace(file)
        _fsync(file.parent)


def _refuse_existing(file: Path, *, replaces: bool) -> None:
    if file.exists() and not replaces:
        raise BackupFailed(f"{file} already exists; choose another name, or replace it with --force")
    if file.exists() and not file.is_file():
        raise BackupFailed(f"{file} is not a regular file; choose another name")


def _fsync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)

"""A backup as a file: it gets its name when it is whole, and its first bytes tell which database it is of."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from app.core.data.errors import BackupFailed

Advance = Callable[[int], None]  # told how many steps were done since it was called last

# As SQLAlchemy names the databases.
_BEGINNINGS: Final[Mapping[bytes, str]] = {b"SQLite format 3\0": "sqlite", b"PGDMP": "postgresql"}


def database_kind(file: Path) -> str | None:
    """Return the database that a file is a backup of, `sqlite` or `postgresql`; None where it is something else.

    Raises:
        OSError: it cannot be read.
    """
    with file.open("rb") as opened:
        beginning = opened.read(max(map(len, _BEGINNINGS)))
    return next((kind for magic, kind in _BEGINNINGS.items() if beginning.startswith(magic)), None)


@contextmanager
def written_atomically(file: Path, *, replaces: bool) -> Iterator[Path]:
    """Yield the path of an empty file that nobody else may read; after the block it is stored, and called `file`.

    Until then, and if the block raises, what was there before stays as it is.

    Raises:
        BackupFailed: there is such a file already, and this one does not replace it; or it is no ordinary file.
        OSError: it cannot be written.
    """
    _refuse_existing(file, replaces=replaces)
    with TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:  # for the side files as well
        unnamed = Path(folder, file.name)
        unnamed.touch(mode=0o600)
        yield unnamed
        _refuse_existing(file, replaces=replaces)
        _store(unnamed)
        unnamed.replace(file)
        _store(file.parent)


def _refuse_existing(file: Path, *, replaces: bool) -> None:
    if file.exists() and not replaces:
        raise BackupFailed(f"there is a {file} already; choose another name, or say --force to replace it")
    if file.exists() and not file.is_file():
        raise BackupFailed(f"{file} is no ordinary file; choose another name")


def _store(path: Path) -> None:
    """Wait until the disk has it."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)

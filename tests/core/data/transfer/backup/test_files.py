"""A backup has its name when it is whole, or it leaves no trace; what a file is of, its beginning says."""

import stat
from pathlib import Path

import pytest

from app.core.data.errors import BackupFailed
from app.core.data.transfer.backup.files import database_kind, written_atomically


def test_a_file_has_its_name_behind_the_block_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "a.backup"

    with written_atomically(file, replaces=False) as unnamed:
        assert unnamed.parent.parent == tmp_path  # on the same disk, or it could not be renamed
        unnamed.write_text("all")
        assert not file.exists()

    assert file.read_text() == "all"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("error", [BackupFailed("no"), OSError(28, "full"), KeyboardInterrupt()], ids=repr)
def test_a_block_that_fails_leaves_what_was_there_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    file = tmp_path / "a.backup"
    file.write_text("before")

    with pytest.raises(type(error)), written_atomically(file, replaces=True) as unnamed:
        unnamed.write_text("ha")
        unnamed.with_name("a.backup-wal").write_text("lf")
        raise error

    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_is_replaced_only_where_that_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "a.backup"
    file.write_text("before")

    with pytest.raises(BackupFailed, match="--force"), written_atomically(file, replaces=False):
        raise AssertionError("it begins")
    with written_atomically(file, replaces=True) as unnamed:
        unnamed.write_text("after")

    assert file.read_text() == "after"


def test_a_file_that_somebody_makes_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "a.backup"

    with pytest.raises(BackupFailed, match="already"), written_atomically(file, replaces=False) as unnamed:
        unnamed.write_text("ours")
        file.write_text("theirs")

    assert file.read_text() == "theirs"


def test_what_is_no_ordinary_file_is_never_replaced(tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="not a regular file"), written_atomically(tmp_path, replaces=True):
        raise AssertionError("it begins")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"SQLite format 3\x00...", "sqlite"),
        (b"PGDMP\x01\x10", "postgresql"),
        (b"PGDM", None),
        (b"", None),
        (b'{"table": "tasks"}', None),
    ],
)
def test_the_beginning_tells_the_kind(tmp_path: Path, content: bytes, kind: str | None) -> None:
    (tmp_path / "file").write_bytes(content)

    assert database_kind(tmp_path / "file") == kind

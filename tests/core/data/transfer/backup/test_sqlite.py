"""SQLite's backups while others read and write: a copy is of one moment, and a restore is one transaction."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.core.data.errors import BackupFailed
from app.core.data.transfer.backup import sqlite
from app.core.data.transfer.backup.sqlite import SqliteBackups

ROWS = 40_000  # several times what is copied at a time


def opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, isolation_level=None, timeout=0)


def fill(file: Path, rows: int, *, page_size: int = 4096) -> Path:
    with closing(opened(file)) as connection:
        connection.execute(f"PRAGMA page_size={page_size}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('0007')")
        connection.execute("CREATE TABLE words (id INTEGER PRIMARY KEY AUTOINCREMENT, word TEXT UNIQUE)")
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO words (word) VALUES (?)", ((f"{number}{'x' * 200}",) for number in range(rows))
        )
        connection.execute("COMMIT")
    return file


def count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM words").fetchone()[0])


def nobody(_: int) -> None:
    """A bar that is not shown."""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of so many rows; tests only read it."""
    return restorable(fill(tmp_path_factory.mktemp("large") / "large.db", ROWS))


def restorable(database: Path) -> Path:
    backup = database.with_suffix(".backup")
    backup.touch()
    SqliteBackups(database).write(backup, nobody)
    return backup


@pytest.fixture
def live(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of somebody who serves `app.db`, in which a single row is."""
    with closing(opened(fill(tmp_path / "app.db", 1))) as connection:
        yield connection


def test_a_copy_is_of_the_moment_at_which_it_began_however_much_is_written_meanwhile(tmp_path: Path) -> None:
    database, backup = fill(tmp_path / "app.db", ROWS), tmp_path / "a.backup"
    backup.touch()
    steps: list[int] = []

    with closing(opened(database)) as writer:

        def write(pages: int) -> None:
            steps.append(pages)
            assert len(steps) < 100, "it begins again for each row that somebody writes"
            writer.execute("INSERT INTO words (word) VALUES (?)", [f"later {len(steps)}"])

        total = SqliteBackups(database).steps()
        SqliteBackups(database).write(backup, write)
        assert count(writer) == ROWS + len(steps)

    assert len(steps) > 2
    assert sum(steps) == total
    with closing(opened(backup)) as copy:
        assert count(copy) == ROWS


def test_a_copy_needs_no_other_file_and_leaves_none(tmp_path: Path, live: sqlite3.Connection) -> None:
    live.execute("INSERT INTO words (word) VALUES ('in the log alone')")
    backup = restorable(tmp_path / "app.db")
    alone = backup.rename(tmp_path / "alone")

    assert SqliteBackups(tmp_path / "app.db").read(alone) == {"0007"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "app.db", "app.db-shm", "app.db-wal"]
    with closing(opened(alone)) as copy:
        assert (count(copy), copy.execute("PRAGMA journal_mode").fetchone()) == (2, ("delete",))


def test_whoever_serves_finds_all_of_the_old_until_it_finds_all_of_the_new(
    tmp_path: Path, live: sqlite3.Connection, large: Path
) -> None:
    live.execute("CREATE TABLE later (id INTEGER)")
    backups = SqliteBackups(tmp_path / "app.db")
    left = backups.steps(large)
    found: list[int] = []

    def look(pages: int) -> None:
        nonlocal left
        left -= pages
        found.append(count(live))
        if left:  # else it is over
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                live.execute("INSERT INTO words (word) VALUES ('between')")

    backups.restore(large, look)

    assert left == 0
    assert len(found) > 2
    assert (set(found[:-1]), found[-1]) == ({1}, ROWS)
    assert live.execute("SELECT name FROM sqlite_master WHERE name = 'later'").fetchall() == []
    live.execute("INSERT INTO words (word) VALUES ('behind')")
    assert live.execute("SELECT max(id) FROM words").fetchone() == (ROWS + 1,)
    assert live.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert live.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_reader_in_the_middle_of_a_transaction_stays_in_the_old(
    tmp_path: Path, live: sqlite3.Connection, large: Path
) -> None:
    live.execute("BEGIN")
    assert count(live) == 1

    SqliteBackups(tmp_path / "app.db").restore(large, nobody)

    assert count(live) == 1
    live.execute("COMMIT")
    assert count(live) == ROWS


def test_a_restore_that_ends_in_the_middle_changes_nothing(
    tmp_path: Path, live: sqlite3.Connection, large: Path
) -> None:
    steps: list[int] = []

    def end(pages: int) -> None:
        steps.append(pages)
        if len(steps) > 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SqliteBackups(tmp_path / "app.db").restore(large, end)

    assert count(live) == 1
    live.execute("INSERT INTO words (word) VALUES ('and all goes on')")
    assert live.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_writer_that_does_not_let_go_is_one_sentence(
    tmp_path: Path, live: sqlite3.Connection, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_BUSY_TIMEOUT", 0.01)
    live.execute("BEGIN IMMEDIATE")

    with pytest.raises(BackupFailed, match="another connection has been writing"):
        SqliteBackups(tmp_path / "app.db").restore(large, nobody)

    live.execute("ROLLBACK")
    assert count(live) == 1


def test_the_log_does_not_stay_as_long_as_the_database(tmp_path: Path, live: sqlite3.Connection, large: Path) -> None:
    assert count(live) == 1  # it has the log open

    SqliteBackups(tmp_path / "app.db").restore(large, nobody)

    assert (tmp_path / "app.db-wal").stat().st_size == 0


def test_a_new_file_has_the_pages_of_the_backup_and_another_is_refused(
    tmp_path: Path, live: sqlite3.Connection
) -> None:
    backup = restorable(fill(tmp_path / "other.db", 5, page_size=1024))

    with pytest.raises(BackupFailed, match="backup have 1024 bytes, and the pages of the database 4096"):
        SqliteBackups(tmp_path / "app.db").restore(backup, nobody)
    SqliteBackups(tmp_path / "new" / "app.db").restore(backup, nobody)

    assert count(live) == 1
    with closing(opened(tmp_path / "new" / "app.db")) as new:
        assert (count(new), new.execute("PRAGMA journal_mode").fetchone()) == (5, ("wal",))


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path, large: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(BackupFailed, match="cannot be made"):
        SqliteBackups(tmp_path / "file" / "app.db").restore(large, nobody)


@pytest.mark.parametrize("part", [0.001, 0.1, 0.5, 0.999])
def test_a_part_of_a_backup_is_damaged(tmp_path: Path, large: Path, part: float) -> None:
    whole = large.read_bytes()
    (tmp_path / "part").write_bytes(whole[: int(len(whole) * part)])

    with pytest.raises(BackupFailed):
        SqliteBackups(tmp_path / "app.db").read(tmp_path / "part")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda whole: whole[:-1], id="without the last byte"),
        pytest.param(lambda whole: whole[:-100], id="without the last 100 bytes"),
        pytest.param(lambda whole: whole + bytes(100), id="with 100 more"),
    ],
)
def test_a_backup_of_another_size_than_its_pages_is_damaged(
    tmp_path: Path, live: sqlite3.Connection, change: Callable[[bytes], bytes]
) -> None:
    live.execute("CREATE TABLE last (id INTEGER)")  # its page is empty: SQLite itself finds no fault
    backup = restorable(tmp_path / "app.db")
    whole = backup.read_bytes()
    backup.write_bytes(change(whole))

    with pytest.raises(BackupFailed, match=rf"is damaged: it has \d+ bytes, and its pages need {len(whole)}$"):
        SqliteBackups(tmp_path / "app.db").read(backup)


def test_a_copied_database_may_have_pages_in_its_log(tmp_path: Path, live: sqlite3.Connection) -> None:
    live.execute("CREATE TABLE later (id INTEGER)")
    for suffix in ("", "-wal"):
        (tmp_path / f"copy.db{suffix}").write_bytes((tmp_path / f"app.db{suffix}").read_bytes())

    assert SqliteBackups(tmp_path / "new.db").read(tmp_path / "copy.db") == {"0007"}


def test_an_index_that_does_not_say_what_the_table_says_is_damage(tmp_path: Path) -> None:
    backup = restorable(fill(tmp_path / "app.db", 10))
    content = backup.read_bytes()
    backup.write_bytes(content.replace(b"3xxx", b"8xxx", 1))  # in the table or in its index, not in both

    with pytest.raises(BackupFailed, match=r"app\.backup is damaged: "):
        SqliteBackups(tmp_path / "app.db").read(backup)


def test_a_database_of_something_else_has_no_migrations(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with closing(opened(other)) as connection:
        connection.execute("CREATE TABLE t (id INTEGER)")

    assert SqliteBackups(tmp_path / "app.db").read(other) == frozenset()

"""SQLite in the event loop: a short statement uses no thread, a long one does not block, and none runs twice."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.core.data.connection import sqlite, sqlite_loop
from app.core.data.connection.engine import make_engine
from app.core.data.connection.sqlite import SqliteConnection
from app.core.data.connection.sqlite_loop import LoopConnection
from app.testing.databases import Databases, settings_for_tests

MANY = 50_000
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})"
SLOW = f"SELECT count(*) FROM ({NUMBERS.format(30 * MANY)} SELECT i FROM n)"
ENDLESS = f"SELECT count(*) FROM ({NUMBERS.format(10**15)} SELECT i FROM n)"
SCHEMA = """
    CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE notes (about INTEGER, name TEXT);
    CREATE TRIGGER inserted AFTER INSERT ON things BEGIN INSERT INTO notes VALUES (NEW.id, 'inserted'); END;
    CREATE TRIGGER changed AFTER UPDATE ON things BEGIN INSERT INTO notes VALUES (NEW.id, 'changed'); END;
    CREATE TRIGGER deleted AFTER DELETE ON things BEGIN INSERT INTO notes VALUES (OLD.id, 'deleted'); END;
"""
INSERT = "INSERT INTO things (name) VALUES (?) RETURNING id"
LONG_WRITES = {
    "insert": f"{NUMBERS.format(MANY)} INSERT INTO things (name) SELECT 'new' FROM n RETURNING id",
    "update": "UPDATE things SET name = 'changed' RETURNING id",
    "delete": "DELETE FROM things RETURNING id",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "app.db")) as connection:
        connection.executescript(SCHEMA)
    return tmp_path / "app.db"


@pytest.fixture
async def connection(file: Path) -> AsyncIterator[SqliteConnection]:
    connection = SqliteConnection(str(file), check_same_thread=False, isolation_level=None)
    await connection
    yield connection
    await connection.close()


@pytest.fixture
def other(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection like that of another process."""
    with closing(sqlite3.connect(file, isolation_level=None, timeout=0)) as other:
        yield other


def contents(file: Path) -> tuple[list[Any], list[Any]]:
    with closing(sqlite3.connect(file)) as connection:
        things, notes = (
            connection.execute(f"SELECT count(*), count(DISTINCT {key}), name FROM {table} GROUP BY name").fetchall()
            for table, key in (("things", "id"), ("notes", "about"))
        )
    return things, notes


def without_waiting(statement: Coroutine[Any, Any, list[Any]]) -> list[Any] | None:
    """Return the rows, or None where the statement has to be awaited."""
    try:
        statement.send(None)
    except StopIteration as done:
        return list(done.value)
    statement.close()
    return None


@contextmanager
def locked(other: sqlite3.Connection) -> Iterator[None]:
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")


async def loop_turns_during(work: asyncio.Future[Any]) -> int:
    """Return how often the event loop ran other tasks until the work was done."""
    turns = 0
    while not work.done():
        await asyncio.sleep(0)
        turns += 1
    return turns


async def test_a_short_statement_runs_in_the_event_loop(connection: SqliteConnection, file: Path) -> None:
    assert without_waiting(connection.execute_fetchall(INSERT, ["first"])) == [(1,)]
    assert without_waiting(connection.execute_fetchall("SELECT name FROM things WHERE id = ?", [1])) == [("first",)]
    assert contents(file) == ([(1, 1, "first")], [(1, 1, "inserted")])


async def test_a_long_statement_does_not_block_the_event_loop(connection: SqliteConnection) -> None:
    work = asyncio.ensure_future(connection.execute_fetchall(SLOW))

    assert await loop_turns_during(work) > 10
    assert await work == [(30 * MANY,)]


async def test_a_slow_statement_goes_to_the_thread_for_some_executions(connection: SqliteConnection) -> None:
    long = f"SELECT count(*) FROM ({NUMBERS.format('?')} SELECT i FROM n)"
    assert await connection.execute_fetchall(long, [30 * MANY]) == [(30 * MANY,)]
    for _ in range(sqlite.THREAD_EXECUTIONS):
        assert without_waiting(connection.execute_fetchall(long, [3])) is None

    assert without_waiting(connection.execute_fetchall(long, [3])) == [(3,)]
    assert without_waiting(connection.execute_fetchall("SELECT 1")) == [(1,)]


@pytest.mark.parametrize("kind", LONG_WRITES)
async def test_an_interrupted_statement_has_no_effect(file: Path, kind: str) -> None:
    if kind != "insert":
        fill(file)
    before = contents(file)
    with (
        closing(LoopConnection(sqlite3.connect(file))) as in_loop,
        pytest.raises(sqlite3.OperationalError) as interrupted,
    ):
        in_loop.execute_fetchall(LONG_WRITES[kind], ())

    assert interrupted.value.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT
    assert contents(file) == before


@pytest.mark.parametrize("kind", LONG_WRITES)
async def test_an_interrupted_statement_is_executed_once(connection: SqliteConnection, file: Path, kind: str) -> None:
    if kind != "insert":
        fill(file)
    rows = await connection.execute_fetchall(LONG_WRITES[kind])

    things, notes = contents(file)
    assert len(rows) == len(set(rows)) == MANY
    assert notes == [(MANY, MANY, {"insert": "inserted", "update": "changed", "delete": "deleted"}[kind])]
    assert things == {"insert": [(MANY, MANY, "new")], "update": [(MANY, MANY, "changed")], "delete": []}[kind]


def fill(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(LONG_WRITES["insert"]).fetchall()
        connection.execute("DELETE FROM notes")
        connection.commit()


async def test_an_interruption_at_any_instruction_reports_the_true_outcome(
    file: Path, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also at its end: in AUTOCOMMIT, SQLite calls the progress handler once more after the commit."""
    monkeypatch.setattr(sqlite_loop, "_LOOP_TIME_LIMIT", -1)  # always past the deadline
    said = {True: 0, False: 0}
    for steps in range(1, 150, 2):
        monkeypatch.setattr(sqlite_loop, "_INSTRUCTIONS_PER_CHECK", steps)
        with closing(LoopConnection(sqlite3.connect(file))) as in_loop:
            said[is_stored(in_loop)] += 1
        assert other.execute("SELECT count(*) FROM things").fetchone() == (said[True],)

    assert said[True] > 0
    assert said[False] > 0


def is_stored(in_loop: LoopConnection) -> bool:
    try:
        in_loop.execute_fetchall(INSERT, ("new",))
    except sqlite3.OperationalError:
        return False
    return True


async def test_a_wait_for_a_lock_does_not_block_the_event_loop(
    connection: SqliteConnection, other: sqlite3.Connection, file: Path
) -> None:
    with locked(other):
        writing = asyncio.ensure_future(connection.execute_fetchall(INSERT, ["late"]))
        await asyncio.sleep(0.05)
        assert without_waiting(connection.execute_fetchall("SELECT count(*) FROM things")) == [(0,)]
        assert not writing.done()

    assert await writing == [(1,)]
    assert contents(file)[0] == [(1, 1, "late")]


async def test_a_wait_for_a_lock_has_a_timeout(
    connection: SqliteConnection, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_loop, "BUSY_TIMEOUT", 0.05)
    with locked(other), pytest.raises(sqlite3.OperationalError) as refused:
        await connection.execute_fetchall(INSERT, ["never"])

    assert refused.value.sqlite_errorcode == sqlite3.SQLITE_BUSY
    assert await connection.execute_fetchall(INSERT, ["now"]) == [(1,)]


async def test_a_statement_cancelled_while_it_waits_for_a_lock_has_no_effect(
    connection: SqliteConnection, other: sqlite3.Connection, file: Path
) -> None:
    with locked(other):
        writing = asyncio.ensure_future(connection.execute_fetchall(INSERT, ["never"]))
        await asyncio.sleep(0.01)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
    await asyncio.sleep(2 * sqlite_loop.MAX_BACKOFF)

    assert contents(file) == ([], [])


async def test_a_cancelled_statement_ends_and_the_event_loop_does_not_wait_for_it(connection: SqliteConnection) -> None:
    endless = asyncio.ensure_future(connection.execute_fetchall(ENDLESS))
    await asyncio.sleep(0.01)
    endless.cancel()
    assert without_waiting(connection.execute_fetchall(INSERT, ["next"])) == [(1,)]
    with pytest.raises(asyncio.CancelledError):
        await endless

    await connection.execute("SELECT 1")  # runs in the thread after the cancelled statement


async def test_a_statement_that_takes_too_long_ends(
    connection: SqliteConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "STATEMENT_TIMEOUT", 0.02)
    with pytest.raises(sqlite3.OperationalError) as interrupted:
        await connection.execute_fetchall(ENDLESS)

    assert interrupted.value.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT
    assert await connection.execute_fetchall("SELECT 1") == [(1,)]


async def test_a_failed_statement_releases_its_lock(connection: SqliteConnection, other: sqlite3.Connection) -> None:
    for failing, values in (("INSERT INTO things (id) VALUES (?)", [2**63]), ("INSERT INTO notes VALUES (1)", [])):
        with pytest.raises((sqlite3.Error, OverflowError)):
            await connection.execute_fetchall(failing, values)

    with locked(other):
        pass


async def test_a_statement_in_a_transaction_is_rolled_back_with_it(connection: SqliteConnection, file: Path) -> None:
    await connection.execute("BEGIN IMMEDIATE")
    await connection.execute_fetchall(INSERT, ["undone"])
    assert await connection.execute_fetchall("SELECT name FROM things") == [("undone",)]
    await connection.rollback()

    assert contents(file) == ([], [])


async def test_a_function_of_the_threads_connection_is_found(connection: SqliteConnection) -> None:
    await connection.create_function("twice", 1, lambda number: 2 * number)

    assert await connection.execute_fetchall("SELECT twice(?)", [21]) == [(42,)]


async def test_the_write_ahead_log_stays_small_under_constant_writes(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four connections write all the time."""
    monkeypatch.setattr(sqlite, "_WRITES_PER_CHECKPOINT", 64)
    monkeypatch.setattr(sqlite, "_LARGE_LOG", 100)
    connections = [SqliteConnection(str(file), check_same_thread=False, isolation_level=None) for _ in range(4)]
    for connection in connections:
        await connection

    async def write(connection: SqliteConnection) -> None:
        for _ in range(1280):
            await connection.execute_fetchall(INSERT, ["x" * 500])
            await asyncio.sleep(0)

    await asyncio.gather(*map(write, connections))
    size = size_of_log(file)
    for connection in connections:
        await connection.close()

    assert 0 < size < 16_000_000  # without checkpoints it would be twice as large
    assert contents(file)[0] == [(5120, 5120, "x" * 500)]


def size_of_log(file: Path) -> int:
    """Return the size of the write-ahead log in bytes; 0 where it does not exist."""
    log = file.with_name(f"{file.name}-wal")
    return log.stat().st_size if log.exists() else 0


async def test_both_connections_have_the_same_pragmas_and_are_closed(sqlite_databases: Databases) -> None:
    url = sqlite_databases.fresh()
    engine = make_engine(settings_for_tests(url))
    file = Path(engine.url.database or "")
    asked = "SELECT foreign_keys, secure_delete, synchronous, journal_mode FROM pragma_foreign_keys, " + (
        "pragma_secure_delete, pragma_synchronous, pragma_journal_mode"
    )
    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        in_loop = without_waiting(driver.execute_fetchall(asked))
        await driver.execute("BEGIN")
        assert in_loop == await driver.execute_fetchall(asked) == [(1, 1, 1, "wal")]
        await driver.rollback()
        await driver.execute_fetchall("CREATE TABLE made (up)")
        assert size_of_log(file) > 0
    await engine.dispose()

    assert size_of_log(file) == 0  # the last connection to close deletes the log

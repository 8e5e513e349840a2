"""Pipelines: one round trip, committed all or none, whose outcome is known or reported as unknown."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from app.core.data.connection.pipeline import PipelineConnection, Query
from app.testing.databases import Databases
from tests.parts.tls import encrypted

SETTING: Query = "SELECT set_config('app.user_id', $1, true)", ["alice"]
INSERT = "INSERT INTO words VALUES ($1::text) RETURNING word"
STATE = "SELECT state FROM pg_stat_activity WHERE pid = %s"

ahead = pytest.mark.parametrize("ahead", [[], [SETTING]], ids=["alone", "behind another"])


@pytest.fixture(scope="module")
def url(postgres: Databases) -> str:
    return make_url(postgres.fresh()).set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
async def words(url: str) -> AsyncIterator[tuple[PipelineConnection, psycopg.Connection[Any]]]:
    """A connection with pipelines, a second connection that observes, and a table of unique words."""
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("CREATE TABLE words (word text PRIMARY KEY)")
        connection = await PipelineConnection.connect(url, autocommit=True)
        yield connection, other
        await connection.close()
        other.execute("DROP TABLE words")


Words = tuple[PipelineConnection, psycopg.Connection[Any]]


def stored(other: psycopg.Connection[Any]) -> list[str]:
    return [word for (word,) in other.execute("SELECT word FROM words ORDER BY word")]


def state_of(pid: int, other: psycopg.Connection[Any]) -> str | None:
    row = other.execute(STATE, [pid]).fetchone()
    return row[0] if row else None


async def until(pid: int, other: psycopg.Connection[Any], state: str | None) -> None:
    while state_of(pid, other) != state:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@ahead
@pytest.mark.parametrize("length", [0, 1, 3_000_000], ids=["empty", "short", "longer than any buffer"])
async def test_values_are_sent_and_rows_are_returned(words: Words, ahead: list[Query], length: int) -> None:
    connection, _ = words
    word = "ä" * length
    rows = await connection.execute_pipeline(
        *ahead, ("SELECT n, $1::text, $2::int FROM generate_series(1, 3) n", [word, None])
    )

    assert rows == [(1, word, None), (2, word, None), (3, word, None)]


@ahead
async def test_a_large_result_arrives_through_tls(postgres: Databases, tmp_path: Path, ahead: list[Query]) -> None:
    """Data that OpenSSL has decrypted already does not make the socket readable, so it must be read without a wait."""
    async with encrypted(postgres.fresh(), tmp_path) as url:
        connection = await PipelineConnection.connect(url, autocommit=True)
        assert connection.pgconn.ssl_in_use
        for length in (1, 8_190, 8_192, 16_000, 16_384, 40_000, 3_000_000):
            word = "x" * length
            assert (
                await connection.execute_pipeline(*ahead, ("SELECT $1::text FROM generate_series(1, 3)", [word]))
                == [(word,)] * 3
            )
        await connection.close()


async def test_a_local_setting_lasts_for_one_pipeline(words: Words) -> None:
    connection, _ = words
    ask: Query = "SELECT current_setting('app.user_id', true)", []

    assert await connection.execute_pipeline(SETTING, ask) == [("alice",)]
    assert await connection.execute_pipeline(ask) == [("",)]


@ahead
async def test_after_an_error_of_the_server_the_connection_is_usable(words: Words, ahead: list[Query]) -> None:
    connection, other = words
    await connection.execute_pipeline(*ahead, (INSERT, ["twice"]))
    with pytest.raises(psycopg.errors.UniqueViolation):
        await connection.execute_pipeline(*ahead, (INSERT, ["twice"]))

    assert await connection.execute_pipeline(*ahead, (INSERT, ["once"])) == [("once",)]
    assert stored(other) == ["once", "twice"]


async def test_a_pipeline_is_committed_all_or_none(words: Words) -> None:
    connection, other = words
    with pytest.raises(psycopg.errors.DivisionByZero):
        await connection.execute_pipeline((INSERT, ["lost"]), ("SELECT 1 / $1::int", [0]))
    with pytest.raises(psycopg.errors.UndefinedTable):
        await connection.execute_pipeline(("INSERT INTO nowhere VALUES (1)", []), (INSERT, ["lost"]))

    assert stored(other) == []


@ahead
async def test_an_error_of_the_commit_is_raised(words: Words, ahead: list[Query]) -> None:
    connection, other = words
    other.execute("ALTER TABLE words ADD CONSTRAINT later UNIQUE (word) DEFERRABLE INITIALLY DEFERRED")
    other.execute("ALTER TABLE words DROP CONSTRAINT words_pkey")
    other.execute("INSERT INTO words VALUES ('there')")

    with pytest.raises(psycopg.errors.UniqueViolation):
        await connection.execute_pipeline(*ahead, (INSERT, ["there"]))


async def test_after_a_value_that_cannot_be_sent_the_connection_is_usable(words: Words) -> None:
    connection, _ = words
    for word in ("\x00", "\ud800", object()):
        with pytest.raises((psycopg.Error, UnicodeEncodeError)):
            await connection.execute_pipeline(SETTING, (INSERT, [word]))

    assert await connection.execute_pipeline(SETTING, (INSERT, ["sane"])) == [("sane",)]


@ahead
async def test_the_servers_last_error_is_raised_where_it_closes_the_connection(
    words: Words, ahead: list[Query]
) -> None:
    """Only this error says that the statement was not executed, so it can be retried."""
    connection, other = words
    flight = asyncio.create_task(connection.execute_pipeline(*ahead, ("SELECT pg_sleep(60), $1::int", [1])))
    await until(connection.info.backend_pid, other, "active")
    other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])

    with pytest.raises(psycopg.errors.AdminShutdown):
        await flight
    assert connection.closed


@ahead
async def test_the_servers_last_error_is_raised_where_it_closed_the_connection_before(
    words: Words, ahead: list[Query]
) -> None:
    connection, other = words
    other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
    await until(connection.info.backend_pid, other, None)

    with pytest.raises(psycopg.errors.AdminShutdown):
        await connection.execute_pipeline(*ahead, (INSERT, ["never"]))
    with pytest.raises(psycopg.OperationalError, match=r"closed|no connection"):
        await connection.execute_pipeline(*ahead, (INSERT, ["never"]))


@ahead
async def test_a_server_that_does_not_answer_is_a_timeout(
    words: Words, ahead: list[Query], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, _ = words
    monkeypatch.setattr(PipelineConnection, "response_timeout", 0.2)
    begun = monotonic()

    with pytest.raises(psycopg.OperationalError, match="does not answer") as failure:
        await connection.execute_pipeline(*ahead, ("SELECT pg_sleep(60)", []))
    assert failure.value.sqlstate is None
    assert connection.closed
    assert monotonic() - begun < 10


@ahead
async def test_a_server_that_does_not_read_is_a_timeout(ahead: list[Query], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PipelineConnection, "response_timeout", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        greeting = asyncio.create_task(asyncio.to_thread(greet, listener))
        where = f"host=127.0.0.1 port={listener.getsockname()[1]} sslmode=disable"
        connection = await PipelineConnection.connect(where, autocommit=True)
        with await greeting, pytest.raises(psycopg.OperationalError, match="does not answer"):
            await connection.execute_pipeline(*ahead, ("SELECT $1::text", ["much" * 10_000_000]))
    assert connection.closed


def greet(listener: socket.socket) -> socket.socket:
    """Send the first client AuthenticationOk and ReadyForQuery, and nothing more."""
    client, _ = listener.accept()
    client.recv(65536)
    client.sendall(b"R\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05I")
    return client


@ahead
@pytest.mark.parametrize("cancelled", [1, 3])
async def test_a_cancelled_pipeline_is_cancelled_on_the_server(
    words: Words, ahead: list[Query], cancelled: int
) -> None:
    connection, other = words
    flight = asyncio.create_task(connection.execute_pipeline(*ahead, ("SELECT pg_sleep(60)", [])))
    await until(connection.info.backend_pid, other, "active")

    pid = connection.info.backend_pid
    for _ in range(cancelled):
        flight.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await flight
    assert state_of(pid, other) != "active"
    assert connection.closed


async def test_concurrent_pipelines_on_one_connection_run_in_turn(words: Words) -> None:
    connection, _ = words
    ask = [
        connection.execute_pipeline(SETTING, ("SELECT $1::int, pg_sleep(0.01)::text", [number])) for number in range(10)
    ]

    assert await asyncio.gather(*ask) == [[(number, "")] for number in range(10)]


async def test_a_pipeline_works_after_a_transaction_of_psycopg(words: Words) -> None:
    connection, other = words
    await connection.set_autocommit(False)
    with suppress(psycopg.errors.DivisionByZero):
        await connection.execute("SELECT 1 / 0")
    await connection.rollback()
    await connection.set_autocommit(True)

    assert await connection.execute_pipeline((INSERT, ["after"])) == [("after",)]
    assert stored(other) == ["after"]

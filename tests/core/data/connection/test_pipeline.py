"""Flights: one round trip that is stored as a whole or not at all, and whose end is always known or said to be not."""

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
    """A connection that flies, a second one that looks on, and a table of words, each of which is there once."""
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
async def test_values_go_there_and_rows_come_back(words: Words, ahead: list[Query], length: int) -> None:
    connection, _ = words
    word = "ä" * length
    rows = await connection.execute_pipeline(
        *ahead, ("SELECT n, $1::text, $2::int FROM generate_series(1, 3) n", [word, None])
    )

    assert rows == [(1, word, None), (2, word, None), (3, word, None)]


@ahead
async def test_all_of_it_comes_through_tls(postgres: Databases, tmp_path: Path, ahead: list[Query]) -> None:
    """What the library has decrypted already does not make the socket readable: it must not be waited for."""
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


async def test_what_was_set_ahead_holds_for_this_flight_alone(words: Words) -> None:
    connection, _ = words
    ask: Query = "SELECT current_setting('app.user_id', true)", []

    assert await connection.execute_pipeline(SETTING, ask) == [("alice",)]
    assert await connection.execute_pipeline(ask) == [("",)]


@ahead
async def test_an_error_is_the_servers_and_the_connection_flies_on(words: Words, ahead: list[Query]) -> None:
    connection, other = words
    await connection.execute_pipeline(*ahead, (INSERT, ["twice"]))
    with pytest.raises(psycopg.errors.UniqueViolation):
        await connection.execute_pipeline(*ahead, (INSERT, ["twice"]))

    assert await connection.execute_pipeline(*ahead, (INSERT, ["once"])) == [("once",)]
    assert stored(other) == ["once", "twice"]


async def test_a_flight_is_stored_as_a_whole_or_not_at_all(words: Words) -> None:
    connection, other = words
    with pytest.raises(psycopg.errors.DivisionByZero):
        await connection.execute_pipeline((INSERT, ["lost"]), ("SELECT 1 / $1::int", [0]))
    with pytest.raises(psycopg.errors.UndefinedTable):
        await connection.execute_pipeline(("INSERT INTO nowhere VALUES (1)", []), (INSERT, ["lost"]))

    assert stored(other) == []


@ahead
async def test_an_error_at_the_commit_is_an_error(words: Words, ahead: list[Query]) -> None:
    connection, other = words
    other.execute("ALTER TABLE words ADD CONSTRAINT later UNIQUE (word) DEFERRABLE INITIALLY DEFERRED")
    other.execute("ALTER TABLE words DROP CONSTRAINT words_pkey")
    other.execute("INSERT INTO words VALUES ('there')")

    with pytest.raises(psycopg.errors.UniqueViolation):
        await connection.execute_pipeline(*ahead, (INSERT, ["there"]))


async def test_what_cannot_be_sent_is_not_sent_and_the_connection_flies_on(words: Words) -> None:
    connection, _ = words
    for word in ("\x00", "\ud800", object()):
        with pytest.raises((psycopg.Error, UnicodeEncodeError)):
            await connection.execute_pipeline(SETTING, (INSERT, [word]))

    assert await connection.execute_pipeline(SETTING, (INSERT, ["sane"])) == [("sane",)]


@ahead
async def test_a_server_that_ends_the_connection_is_heard(words: Words, ahead: list[Query]) -> None:
    """Only its own word tells that the statement was not carried out, so that it may be repeated."""
    connection, other = words
    flight = asyncio.create_task(connection.execute_pipeline(*ahead, ("SELECT pg_sleep(60), $1::int", [1])))
    await until(connection.info.backend_pid, other, "active")
    other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])

    with pytest.raises(psycopg.errors.AdminShutdown):
        await flight
    assert connection.closed


@ahead
async def test_a_connection_that_was_ended_before_is_heard_too(words: Words, ahead: list[Query]) -> None:
    connection, other = words
    other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
    await until(connection.info.backend_pid, other, None)

    with pytest.raises(psycopg.errors.AdminShutdown):
        await connection.execute_pipeline(*ahead, (INSERT, ["never"]))
    with pytest.raises(psycopg.OperationalError, match=r"closed|no connection"):
        await connection.execute_pipeline(*ahead, (INSERT, ["never"]))


@ahead
async def test_a_server_that_does_not_answer_is_given_up(
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
async def test_one_that_does_not_even_read_is_given_up(ahead: list[Query], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PipelineConnection, "response_timeout", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        greeting = asyncio.create_task(asyncio.to_thread(greet, listener))
        where = f"host=127.0.0.1 port={listener.getsockname()[1]} sslmode=disable"
        connection = await PipelineConnection.connect(where, autocommit=True)
        with await greeting, pytest.raises(psycopg.OperationalError, match="does not answer"):
            await connection.execute_pipeline(*ahead, ("SELECT $1::text", ["much" * 10_000_000]))
    assert connection.closed


def greet(listener: socket.socket) -> socket.socket:
    """Say to the first client that it is authenticated, and that all is ready; and nothing more."""
    client, _ = listener.accept()
    client.recv(65536)
    client.sendall(b"R\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05I")
    return client


@ahead
@pytest.mark.parametrize("cancelled", [1, 3])
async def test_a_flight_that_is_cancelled_is_stopped_on_the_server(
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


async def test_those_who_share_a_connection_take_turns(words: Words) -> None:
    connection, _ = words
    ask = [
        connection.execute_pipeline(SETTING, ("SELECT $1::int, pg_sleep(0.01)::text", [number])) for number in range(10)
    ]

    assert await asyncio.gather(*ask) == [[(number, "")] for number in range(10)]


async def test_it_flies_again_after_a_transaction_of_psycopgs_own(words: Words) -> None:
    connection, other = words
    await connection.set_autocommit(False)
    with suppress(psycopg.errors.DivisionByZero):
        await connection.execute("SELECT 1 / 0")
    await connection.rollback()
    await connection.set_autocommit(True)

    assert await connection.execute_pipeline((INSERT, ["after"])) == [("after",)]
    assert stored(other) == ["after"]

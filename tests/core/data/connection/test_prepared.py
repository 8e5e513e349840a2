"""Prepared statements: the results are the same as without them, whatever happens to the tables."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from app.core.data.connection.pipeline import PipelineConnection, Query
from app.testing.counting import CountingProxy
from app.testing.databases import Databases, PostgresDatabases
from tests.parts.pooler import needs_pgbouncer, pooled

TELL = "SELECT set_config('app.user_id', $1, true)"
ALICE: Query = TELL, ["alice"]
INSERT = "INSERT INTO words VALUES ($1::text) RETURNING word"
READ: Query = "SELECT word FROM words ORDER BY word", []
KNOWN = "SELECT statement, prepare_time FROM pg_prepared_statements ORDER BY 1"

Words = tuple[PipelineConnection, psycopg.Connection[Any]]

ahead = pytest.mark.parametrize("ahead", [[], [ALICE]], ids=["alone", "behind another"])


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[PipelineConnection]:
    """A connection that prepares statements, also behind a pooler."""
    told = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False).replace(" ", "%20")
    connection = await PipelineConnection.connect(told, autocommit=True, prepare_threshold=None)
    connection.prepare_if_direct(connection.pgconn.backend_pid)
    async with connection:
        yield connection


@pytest.fixture
async def words(postgres: Databases) -> AsyncIterator[Words]:
    """A connection that prepares statements, a second connection that observes, and a table with one word."""
    url = postgres.fresh()
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("CREATE TABLE words (word varchar(20) PRIMARY KEY)")
        other.execute("INSERT INTO words VALUES ('one')")
        async with connected(url) as connection:
            yield connection, other


async def known(connection: PipelineConnection) -> dict[str, Any]:
    """Return the prepared statements of the server, with the time of each."""
    return dict(await (await connection.execute(KNOWN)).fetchall())


async def test_a_statement_is_prepared_at_its_second_execution(words: Words) -> None:
    connection, _ = words
    assert await connection.execute_pipeline(ALICE, READ) == [("one",)]
    first = await known(connection)
    assert await connection.execute_pipeline(ALICE, READ) == [("one",)]
    second = await known(connection)
    assert await connection.execute_pipeline(ALICE, READ) == [("one",)]

    assert first == {}
    assert second.keys() == {TELL, READ[0]}
    assert await known(connection) == second


async def test_behind_a_pooler_nothing_is_prepared(words: Words) -> None:
    connection, other = words
    connection.prepared = None
    connection.prepare_if_direct(other.info.backend_pid)
    for _ in range(3):
        await connection.execute_pipeline(READ)

    assert await known(connection) == {}


@ahead
async def test_a_pipeline_is_one_round_trip_also_while_it_prepares(postgres: Databases, ahead: list[Query]) -> None:
    async with CountingProxy(postgres.fresh()).serve() as proxy, connected(proxy.url) as connection:
        taken = []
        for number in range(4):
            before = proxy.round_trips
            assert await connection.execute_pipeline(*ahead, ("SELECT $1::int", [number])) == [(number,)]
            taken.append(proxy.round_trips - before)
        assert len(await known(connection)) == 1 + len(ahead)

    assert taken == [1, 1, 1, 1]


@ahead
async def test_values_of_other_types_use_the_same_prepared_statement(words: Words, ahead: list[Query]) -> None:
    connection, _ = words
    for value in (1, 2**20, 2**40, None, -(2**63)):
        assert await connection.execute_pipeline(*ahead, ("SELECT $1::bigint", [value])) == [(value,)]

    assert "SELECT $1::bigint" in await known(connection)
    assert len(await known(connection)) == 1 + len(ahead)


@ahead
async def test_a_prepared_statement_stays_where_its_pipeline_fails(words: Words, ahead: list[Query]) -> None:
    connection, _ = words
    for _ in range(2):
        with pytest.raises(psycopg.errors.UniqueViolation):
            await connection.execute_pipeline(*ahead, (INSERT, ["one"]))
    prepared = await known(connection)

    assert await connection.execute_pipeline(*ahead, (INSERT, ["two"])) == [("two",)]
    assert INSERT in prepared
    assert await known(connection) == prepared


async def test_a_statement_behind_a_failed_one_is_not_recorded_as_prepared(postgres: Databases) -> None:
    """After an error in a pipeline the server skips the statements behind it."""
    divide = "SELECT 1 / $1::int"
    async with CountingProxy(postgres.fresh()).serve() as proxy, connected(proxy.url) as connection:
        for _ in range(3):
            with pytest.raises(psycopg.errors.DivisionByZero):
                await connection.execute_pipeline((divide, [0]), ("SELECT 2", []))
        before = proxy.round_trips
        assert await connection.execute_pipeline((divide, [1]), ("SELECT 2", [])) == [(2,)]
        assert proxy.round_trips - before == 1


@ahead
@pytest.mark.parametrize("command", ["DEALLOCATE ALL", "DISCARD ALL"])
async def test_a_deallocated_statement_is_prepared_again(words: Words, ahead: list[Query], command: str) -> None:
    connection, _ = words
    for _ in range(3):
        await connection.execute_pipeline(*ahead, READ)
    await connection.execute(command)
    for _ in range(2):
        assert await connection.execute_pipeline(*ahead, READ) == [("one",)]

    assert READ[0] in await known(connection)


async def test_a_name_that_exists_on_the_server_is_replaced(words: Words) -> None:
    connection, _ = words
    for _ in range(2):
        await connection.execute_pipeline(READ)
    [(name,)] = await (await connection.execute("SELECT name FROM pg_prepared_statements")).fetchall()
    await connection.execute(f'DEALLOCATE "{name}"')
    await connection.execute(f'PREPARE "{name}" AS SELECT 1')
    connection.prepare_if_direct(connection.pgconn.backend_pid)  # a new, empty cache

    for _ in range(3):
        assert await connection.execute_pipeline(READ) == [("one",)]


@ahead
async def test_the_least_recently_used_statement_is_deallocated(words: Words, ahead: list[Query]) -> None:
    connection, _ = words
    for _ in range(2):
        await connection.execute_pipeline(*ahead, READ)
    prepared = await known(connection)
    for number in range(150):
        for _ in range(2):
            assert await connection.execute_pipeline(*ahead, (f"SELECT {number}, $1::int", [7])) == [(number, 7)]
        await connection.execute_pipeline(*ahead, READ)

    kept = await known(connection)
    assert 90 < len(kept) <= 100
    assert kept.items() > prepared.items()


async def test_a_statement_that_runs_once_is_never_prepared(words: Words) -> None:
    connection, _ = words
    for number in range(150):
        assert await connection.execute_pipeline((f"SELECT {number}", [])) == [(number,)]

    assert await known(connection) == {}


@ahead
async def test_a_column_whose_type_changes_is_read_with_the_new_type(words: Words, ahead: list[Query]) -> None:
    connection, other = words
    for number in range(10):  # PostgreSQL keeps a generic plan after five executions
        await connection.execute_pipeline(*ahead, (INSERT, [f"x{number}"]))
        await connection.execute_pipeline(*ahead, READ)
    other.execute("ALTER TABLE words ALTER word TYPE text")

    assert await connection.execute_pipeline(*ahead, (INSERT, ["a word of more than twenty letters"])) == [
        ("a word of more than twenty letters",)
    ]
    assert len(await connection.execute_pipeline(*ahead, READ)) == 12
    assert other.execute("SELECT count(*) FROM words").fetchone() == (12,)


@ahead
async def test_an_unsupported_statement_is_refused_at_every_execution(words: Words, ahead: list[Query]) -> None:
    connection, _ = words
    for _ in range(3):
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="FOR UPDATE"):
            await connection.execute_pipeline(*ahead, ("SELECT count(*) FROM words FOR UPDATE", []))

    assert await connection.execute_pipeline(*ahead, READ) == [("one",)]


POLICY = "CREATE POLICY mine ON words USING (word = current_setting('app.user_id', true))"
NOBODYS = "ALTER POLICY mine ON words USING (false)"
STEPS = {
    f"{POLICY}; ALTER TABLE words ENABLE ROW LEVEL SECURITY": ["alice"],
    NOBODYS: [],
    "ALTER POLICY mine ON words USING (word <> 'alice')": ["bob"],
    "ALTER TABLE words DISABLE ROW LEVEL SECURITY": ["alice", "bob"],
    "ALTER TABLE words ENABLE ROW LEVEL SECURITY": ["bob"],
    "DROP POLICY mine ON words": [],
}


async def test_a_change_of_the_policies_invalidates_prepared_plans(
    postgres: PostgresDatabases, restricted: Databases
) -> None:
    url = restricted.fresh()
    with psycopg.connect(restricted.for_owner(url), autocommit=True) as owner:
        owner.execute("CREATE TABLE words (word text PRIMARY KEY)")
        owner.execute("INSERT INTO words VALUES ('alice'), ('bob')")
        owner.execute(f'GRANT SELECT ON words TO "{postgres.role}"')
        async with connected(url) as connection:
            found = []
            for step in ["SELECT 1", *STEPS]:
                owner.execute(step)
                read = [await connection.execute_pipeline(ALICE, READ) for _ in range(10)]
                assert all(rows == read[0] for rows in read)
                found.append([word for (word,) in read[0]])
            prepared = await known(connection)
            owner.execute(f'REVOKE SELECT ON words FROM "{postgres.role}"')
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute_pipeline(ALICE, READ)

    assert found == [["alice", "bob"], *STEPS.values()]
    assert READ[0] in prepared


@needs_pgbouncer
async def test_an_undetected_pooler_never_confuses_statements(postgres: Databases) -> None:
    """There a name may be missing or exist already, but it always belongs to the same SQL text."""

    async def live(number: int, url: str) -> None:
        async with connected(url) as connection:
            for turn in range(20):
                mine = f"SELECT {turn % 4}, 'of {number % 3}', $1::text"
                assert await connection.execute_pipeline(ALICE, (mine, [str(number)])) == [
                    (turn % 4, f"of {number % 3}", str(number))
                ]

    with pooled(postgres.fresh()) as pooler:
        await asyncio.gather(*(live(number, pooler.url) for number in range(8)))


async def test_a_transaction_of_psycopg_prepares_nothing(words: Words) -> None:
    connection, _ = words
    for _ in range(2):
        await connection.execute_pipeline(READ)
    prepared = await known(connection)
    await connection.set_autocommit(False)
    with suppress(psycopg.errors.UniqueViolation):
        await connection.execute("INSERT INTO words VALUES (%s)", ["one"])
    await connection.rollback()
    await connection.set_autocommit(True)

    assert await connection.execute_pipeline(READ) == [("one",)]
    assert await known(connection) == prepared

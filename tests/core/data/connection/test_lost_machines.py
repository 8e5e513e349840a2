"""A Citus coordinator that loses a worker node: it sends 08006, and its own connection stays usable."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col

from app.core.data.connection.engine import make_engine
from app.core.data.connection.retry import RETRY_COUNTS
from app.core.data.errors import OutcomeUnknown
from app.core.data.ownership.guard import bind_owner
from app.core.data.ownership.session import AppSession
from app.core.data.sql.statements import select_of
from app.tasks.models import Task
from app.testing.databases import Databases, settings_for_tests

# The first two calls of has_another() raise connection_failure (08006).
LOSING = (
    "CREATE SEQUENCE asked",
    "GRANT SELECT ON SEQUENCE asked TO public",
    "CREATE FUNCTION has_another() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$BEGIN "
    "IF nextval('asked') < 3 THEN RAISE 'connection to the remote node failed' USING ERRCODE = '08006'; END IF; "
    "RETURN true; END$$",
    "INSERT INTO tasks (user_id, title) VALUES ('alice', 'hers')",
    "ALTER TABLE tasks RENAME TO kept",
    "CREATE VIEW tasks WITH (security_invoker) AS SELECT * FROM kept WHERE has_another()",
    "GRANT SELECT, INSERT ON tasks TO public",
    "CREATE FUNCTION ask_another() RETURNS trigger LANGUAGE plpgsql AS "
    "$$BEGIN PERFORM has_another(); RETURN NEW; END$$",
    "CREATE TRIGGER asks BEFORE INSERT ON kept FOR EACH ROW EXECUTE FUNCTION ask_another()",
)


@pytest.fixture(params=["postgres", "restricted"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[AsyncEngine]:
    """An engine on a database whose table fails twice with this error."""
    databases: Databases = request.getfixturevalue(request.param)
    url = databases.fresh()
    owner = make_engine(settings_for_tests(databases.for_owner(url)))
    async with owner.connect() as connection:
        for statement in LOSING:
            await connection.execute(text(statement))
    await owner.dispose()
    engine = make_engine(settings_for_tests(url))
    yield engine
    await engine.dispose()


async def ask(engine: AsyncEngine, question: str) -> Any:
    async with engine.connect() as connection:
        return (await connection.execute(text(question))).scalar_one()


READS: dict[str, Callable[[AppSession], Awaitable[Any]]] = {
    "run": lambda session: session.run(select_of(Task), {"_id": 1}),
    "execute": lambda session: session.execute(select(col(Task.id))),
}


@pytest.mark.parametrize("read", READS)
async def test_a_read_is_retried_on_the_same_connection(engine: AsyncEngine, read: str) -> None:
    backend, before = await ask(engine, "SELECT pg_backend_pid()"), RETRY_COUNTS["ConnectionFailure"]
    async with AppSession(engine) as session:
        bind_owner(session, "alice")
        (row,) = await READS[read](session)

    assert row[0] == 1
    assert RETRY_COUNTS["ConnectionFailure"] == before + 2
    assert await ask(engine, "SELECT pg_backend_pid()") == backend


async def test_a_write_is_not_retried(engine: AsyncEngine) -> None:
    async with AppSession(engine) as session:
        bind_owner(session, "alice")
        with pytest.raises(OutcomeUnknown):
            await session.insert_row(Task, {"title": "hers as well"})

    assert await ask(engine, "SELECT last_value FROM asked") == 1

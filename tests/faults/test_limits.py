"""The database refuses what takes too long or does not fit any more: a 503 that tells when to come again."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from app.core.auth.tokens import issue_token
from app.testing.clients import assert_error
from app.testing.databases import SECRET
from tests.parts.cluster import Database
from tests.parts.serving import PATIENCE, Server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    """A user with one task, number `client.params["id"]`."""
    headers = {"Authorization": f"Bearer {issue_token('limited', SECRET.encode(), 3600)}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=PATIENCE) as client:
        yield client


def post(client: httpx.Client, title: str) -> httpx.Response:
    return client.post("/api/tasks", json={"title": title})


def titles(client: httpx.Client) -> list[str]:
    return [row["title"] for row in client.get("/api/tasks").json()]


@contextmanager
def before_insert(database: Database, does: str) -> Iterator[None]:
    """Let every INSERT into tasks do this first."""
    database.execute(f"CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {does}; RETURN new; END$$")
    database.execute("CREATE TRIGGER fault BEFORE INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION fault()")
    try:
        yield
    finally:
        database.execute("DROP FUNCTION fault CASCADE")


def test_a_locked_row_is_503_until_it_is_unlocked(client: httpx.Client, database: Database) -> None:
    path = post(client, "locked").headers["location"]

    with database.limited(lock_timeout="200ms"):
        with database.connect() as other, other.transaction():
            other.execute("SELECT FROM tasks FOR UPDATE")
            assert_error(client.patch(path, json={"completed": True}), 503)
            assert client.get(path).json()["completed"] is False
        assert client.patch(path, json={"completed": True}).status_code == 200


async def test_a_lock_that_is_let_go_of_in_time_is_waited_for(client: httpx.Client, database: Database) -> None:
    path = post(client, "locked").headers["location"]

    with database.limited(lock_timeout="200ms"):
        with database.connect() as other, other.transaction():
            other.execute("SELECT FROM tasks FOR UPDATE")
            change = asyncio.create_task(asyncio.to_thread(client.patch, path, json={"completed": True}))
            await asyncio.sleep(0.5)
        assert (await change).status_code == 200


def test_a_statement_that_takes_too_long_is_503_and_stores_nothing(client: httpx.Client, database: Database) -> None:
    with database.limited(statement_timeout="200ms"), before_insert(database, "PERFORM pg_sleep(60)"):
        response = post(client, "slow")

    assert assert_error(response, 503)["detail"].startswith("The database takes too long for this request")
    assert response.headers["retry-after"] == "30"
    assert "slow" not in titles(client)


def test_a_read_that_takes_too_long_is_503(client: httpx.Client, database: Database) -> None:
    with database.limited(statement_timeout="200ms"), database.connect() as other, other.transaction():
        other.execute("LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE")
        assert_error(client.get("/api/tasks"), 503)
    assert client.get("/api/tasks").status_code == 200


def test_a_disk_that_is_full_refuses_writes_and_serves_reads(client: httpx.Client, database: Database) -> None:
    """A trigger says what the server says when a file cannot grow; `test_disk.py` fills a real one."""
    with before_insert(database, "RAISE disk_full"):
        response = post(client, "too much")
        assert "too much" not in titles(client)

    assert_error(response, 503)
    assert int(response.headers["retry-after"]) > 0
    assert post(client, "room again").status_code == 201

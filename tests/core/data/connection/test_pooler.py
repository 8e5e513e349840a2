"""Behind a pooler in transaction mode, no user reads rows of another."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from litestar import Litestar

from app.asgi import create_app
from app.installed import INSTALLED
from app.testing.clients import Client
from app.testing.databases import Databases, settings_for_tests
from tests.core.http.bodies import valid_body
from tests.parts.pooler import needs_pgbouncer, pooled

USERS = [f"user-{number}" for number in range(12)]
ROUNDS = 8

pytestmark = needs_pgbouncer


@pytest.fixture(params=["owner", "restricted"])
async def pooled_app(
    request: pytest.FixtureRequest, postgres: Databases, restricted: Databases
) -> AsyncIterator[Litestar]:
    """The application behind PgBouncer with two server connections, with and without policies."""
    database = (restricted if request.param == "restricted" else postgres).fresh()
    with pooled(database) as pooler:
        app = create_app(settings_for_tests(pooler.url))
        async with app.lifespan():
            yield app


async def test_many_users_on_few_connections_read_their_own_rows_only(pooled_app: Litestar) -> None:
    controller = INSTALLED[0]

    async def live(user: str) -> None:
        client = Client(pooled_app, user)
        for number in range(1, ROUNDS + 1):
            created = await client.post(controller.path, json=await valid_body(client, controller))
            assert created.status_code == 201, created.text
            rows = (await client.get(controller.path)).json()
            assert {row["user_id"] for row in rows} == {user}
            assert len(rows) == number

    await asyncio.gather(*(live(user) for user in USERS))

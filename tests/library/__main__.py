"""`python -m tests.library`: does what each line of JSON on standard input says, and answers in a line of JSON."""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from typing import Any

import httpx
from litestar import Litestar
from sqlalchemy import make_url
from sqlmodel import SQLModel

from app.asgi import create_app
from app.core.data.engine import database_url
from app.core.data.schema.migrations import migration_engine
from app.core.data.schema.protections import protections_of
from app.testing.callers import Client
from app.testing.databases import settings_for_tests
from tests.library.nouns import NOUNS


def add_tables(url: str, role: str | None) -> None:
    """Create the tables of the nouns, with what protects them, and let the role use them."""
    names = {str(noun.model.__tablename__) for noun in NOUNS}
    with migration_engine(database_url(url)).begin() as connection:
        SQLModel.metadata.create_all(connection)
        for protection in protections_of(SQLModel.metadata):
            if protection.table in names:
                for statement in protection.create(connection.dialect.name):
                    connection.exec_driver_sql(statement)
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{role}"')


def as_words(answer: httpx.Response) -> list[Any]:
    """Return what JSON says of an answer."""
    is_json = "json" in answer.headers.get("content-type", "")
    return [answer.status_code, dict(answer.headers), answer.json() if is_json else None]


class Libraries:
    """The applications that are served, each on its database; they are known by their numbers."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._apps: list[Litestar] = []

    async def serve(self, url: str, owner_url: str) -> int:
        """Start one more, and return its number."""
        add_tables(owner_url, make_url(url).username)
        app = create_app(settings_for_tests(url))
        for noun in NOUNS:
            app.register(noun)
        await self._stack.enter_async_context(app.lifespan())
        self._apps.append(app)
        return len(self._apps) - 1

    async def ask(self, number: int, request: list[Any]) -> list[Any]:
        """Send a request to one of them."""
        method, path, body, user, headers = request
        content = {} if body is None else {"json": body}
        async with Client(self._apps[number], user) as client:
            return as_words(await client.request(method, path, headers=headers, **content))


async def answer_all() -> None:
    """Answer until nobody says anything any more."""
    async with AsyncExitStack() as stack:
        libraries = Libraries(stack)
        for line in sys.stdin:
            name, *words = json.loads(line)
            answer = await getattr(libraries, name)(*words)
            print(json.dumps(answer), flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(answer_all())

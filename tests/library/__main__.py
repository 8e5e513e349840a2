"""`python -m tests.library URL OWNER_URL`: answers each request that comes in as a line of JSON on standard input."""

import asyncio
import json
import sys

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


def as_json(answer: httpx.Response) -> str:
    """Return the answer as a line."""
    is_json = "json" in answer.headers.get("content-type", "")
    return json.dumps([answer.status_code, dict(answer.headers), answer.json() if is_json else None])


async def answer_all(app: Litestar) -> None:
    """Answer until there are no more requests."""
    async with app.lifespan():
        for line in sys.stdin:
            method, path, body, user, headers = json.loads(line)
            content = {} if body is None else {"json": body}
            async with Client(app, user) as client:
                print(as_json(await client.request(method, path, headers=headers, **content)), flush=True)  # noqa: T201


if __name__ == "__main__":
    served, owners = sys.argv[1:]
    add_tables(owners, make_url(served).username)
    made = create_app(settings_for_tests(served))
    for noun in NOUNS:
        made.register(noun)
    asyncio.run(answer_all(made))

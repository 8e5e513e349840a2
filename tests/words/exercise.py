"""`python -m tests.words.exercise URL OWNER_URL SECOND_URL`: uses every installed noun as clients and operators do.

The databases have the migrations of before; the second is one for a dump to be loaded into. What is wrong is printed, a
line each.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from click.testing import CliRunner
from sqlalchemy import make_url

from app.__main__ import main
from app.asgi import create_app
from app.core.data.connection.engine import database_url, make_engine
from app.core.data.ownership.guard import everyone
from app.core.data.ownership.session import AppSession
from app.core.data.schema.engines import migration_engine
from app.core.data.tables.links import links_of
from app.core.data.tables.references import references_of
from app.core.data.transfer.copy import reserve_ids
from app.installed import INSTALLED
from app.settings import load_settings
from app.testing.clients import Client
from app.testing.contract.answers import expect, row_in, without_updated_at
from app.testing.contract.operations import Resource
from app.testing.contract.resource import make_body
from app.testing.databases import SECRET, settings_for_tests
from tests.core.ops.checks.conftest import messages, production

USER: Final = "alice"


class Caller:
    """A user who keeps a row of each noun; a row refers to the rows that were kept before it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.ids: dict[type, int] = {}

    async def create(self, resource: Resource) -> None:
        """Store two rows, list both, change one to other values, and delete the other."""
        references = {each.column: self.ids[each.model] for each in references_of(resource.model)}
        lists = {each.column: [self.ids[each.model]] for each in links_of(resource.model)}
        body, other = (make_body(resource.create_schema, **references, **lists) for _ in range(2))
        made, more = [row_in(await self.client.post(resource.path, json=body), 201) for _ in range(2)]
        self.ids[resource.model] = made["id"]
        listed = await self.client.get(resource.path, headers={"Prefer": "count=exact"})
        expect("the list", listed.json(), [made, more])
        expect("the total", listed.headers["x-total-count"], "2")
        seen = {"If-Match": f'"{made["updated_at"]}"'}
        changed = row_in(await self.client.patch(self._path(resource), json=other, headers=seen))
        expect("the change", without_updated_at(changed), without_updated_at(made) | other)
        expect("the row", row_in(await self.client.get(self._path(resource))), changed)
        expect("its end", (await self.client.delete(f"{resource.path}/{more['id']}")).status_code, 204)

    async def delete(self, resource: Resource) -> None:
        """Delete the row, whose references were cleared when the rows before it went."""
        row = row_in(await self.client.get(self._path(resource)))
        expect("what it refers to", {row[each.column] for each in references_of(resource.model)} - {None}, set())
        expect("the end", (await self.client.delete(self._path(resource))).status_code, 204)

    def _path(self, resource: Resource) -> str:
        return f"{resource.path}/{self.ids[resource.model]}"


async def ask(url: str, owners: str, second: str) -> AsyncIterator[str]:
    """Create, operate, delete; yield what is wrong."""
    app = create_app(settings_for_tests(url))
    async with app.lifespan(), Client(app, USER) as client:
        caller = Caller(client)
        async for wrong in each(caller.create):
            yield wrong
        for wrong in await asyncio.to_thread(lambda: list(commands(owners, second))):
            yield wrong
        async for wrong in each(caller.delete):
            yield wrong
    async for wrong in ids_of(owners):
        yield wrong
    settings = production(url, migration_database_url=None if owners == url else owners)
    for finding in await messages(settings, lambda _: app):
        if finding.id != "security.W001":  # of the role of the tests, whatever is called what
            yield f"{finding.id}: {finding.message}"


async def each(step: Any) -> AsyncIterator[str]:
    """Take a step for every noun; yield what goes wrong."""
    for resource in INSTALLED:
        try:
            await step(resource)
        except Exception as error:
            yield f"{step.__name__} {resource.path}: {type(error).__name__}: {error}"


async def ids_of(owners: str) -> AsyncIterator[str]:
    """Reserve an id of each table; yield where that is none after those of the rows."""
    engine = make_engine(settings_for_tests(owners))
    async with AppSession(engine) as session, everyone(session).atomic():
        for resource in INSTALLED:
            if (ids := await reserve_ids(session, resource.model, 1)) != [3]:
                yield f"{resource.path}: the next id is {ids}"
    await engine.dispose()


def commands(owners: str, second: str) -> Iterator[str]:
    """Dump, load, export and erase; yield what is wrong."""
    with TemporaryDirectory() as folder:
        first, again, export, empty = (Path(folder, name) for name in ("first", "again", "export", "empty"))
        yield from call(owners, "dumpdata", "--output", str(first))
        yield from call(second, "migrate")
        yield from call(second, "loaddata", str(first))
        yield from call(second, "dumpdata", "--output", str(again))
        yield from call(second, "user", "export", USER, "--output", str(export))
        yield from call(second, "user", "erase", USER, "--yes")
        yield from call(second, "dumpdata", "--output", str(empty))
        if len({first.read_bytes(), again.read_bytes(), export.read_bytes()}) > 1:
            yield "what was dumped, loaded and exported differs"
        lines = [file.read_bytes().count(b"\n") for file in (first, empty)]
        if lines != [len(INSTALLED), 0]:
            yield f"{lines} lines were dumped before and after the erasure"


def call(url: str, *words: str) -> Iterator[str]:
    """Call `app`; yield its complaint."""
    load_settings.cache_clear()
    done = CliRunner().invoke(main, words, env={"DATABASE_URL": url, "BETTER_AUTH_SECRET": SECRET})
    if done.exit_code:
        yield f"app {' '.join(words)}: {done.output[-500:]} {done.exception!r}"


def migrate(served: str, owners: str) -> None:
    """Apply the migration that makes the tables, and let the role that serves use them.

    Raises:
        RuntimeError: it fails.
    """
    for wrong in call(owners, "migrate"):
        raise RuntimeError(wrong)
    if served != owners:
        role = make_url(served).username
        with migration_engine(database_url(owners)).begin() as connection:
            rights = "SELECT, INSERT, UPDATE, DELETE"
            connection.exec_driver_sql(f'GRANT {rights} ON ALL TABLES IN SCHEMA public TO "{role}"')
            connection.exec_driver_sql(f'REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM "{role}"')


async def tell(*urls: str) -> None:
    """Print what is wrong."""
    async for wrong in ask(*urls):
        print(wrong, flush=True)  # noqa: T201


if __name__ == "__main__":
    migrate(*sys.argv[1:3])
    asyncio.run(tell(*sys.argv[1:]))

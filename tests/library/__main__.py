"""`python -m tests.library NOUNS`: accepts connections on the socket that is its standard input.

It does what each line of JSON says, and answers in a line of JSON. NOUNS is a module that has some.
"""

import asyncio
import gc
import json
import socket
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from importlib import import_module
from typing import Any, Final

import httpx
from click.testing import CliRunner
from litestar import Litestar
from sqlalchemy import MetaData, make_url
from sqlmodel import SQLModel

from app.__main__ import main
from app.asgi import create_app
from app.core.data.connection.engine import database_url, make_engine
from app.core.data.errors import OwnershipError
from app.core.data.ownership.guard import bind_owner, everyone
from app.core.data.ownership.plugin import make_alchemy
from app.core.data.ownership.session import AppSession
from app.core.data.schema.engines import migration_engine
from app.core.data.schema.protections import protections_of
from app.settings import load_settings
from app.testing.clients import Client
from app.testing.contract import RULES, ResourceUnderTest, Rule, applies, check_rule
from app.testing.databases import SECRET, settings_for_tests
from app.testing.factories import stored_through

Nouns = Sequence[Any]

LONGEST_LINE: Final = 2**24  # bytes


def add_tables(nouns: Nouns, url: str, role: str | None) -> None:
    """Create the tables of the nouns, with what protects them, and let the role use them."""
    names = {str(noun.model.__tablename__) for noun in nouns}
    tables = MetaData()  # a copy: a key that PostgreSQL has got by ALTER TABLE is left out when it is created again
    for table in SQLModel.metadata.tables.values():
        table.to_metadata(tables)
    with migration_engine(database_url(url)).begin() as connection:
        tables.create_all(connection)
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
    """The applications of a connection, each on its database; they are known by their numbers."""

    def __init__(self, stack: AsyncExitStack, nouns: Nouns) -> None:
        self._stack = stack
        self._nouns = nouns
        self._apps: list[Litestar] = []
        self._sessions: list[Any] = []

    async def serve(self, url: str, owner_url: str) -> int:
        """Start one more, and return its number."""
        await self.add_tables(url, owner_url)
        app = create_app(settings_for_tests(url))
        for noun in self._nouns:
            app.register(noun)
        await self._stack.enter_async_context(app.lifespan())
        self._apps.append(app)
        alchemy = make_alchemy(settings_for_tests(url))
        self._stack.push_async_callback(alchemy.get_engine().dispose)
        self._sessions.append(alchemy.create_session_maker())
        return len(self._apps) - 1

    async def add_tables(self, url: str, owner_url: str) -> None:
        """Let one more database have the tables."""
        add_tables(self._nouns, owner_url, make_url(url).username)

    async def ask_text(self, number: int, request: list[Any]) -> list[Any]:
        """Send a request to one of them, and return status and body as they were sent."""
        method, path, body = request
        async with Client(self._apps[number], "alice") as client:
            answer = await client.request(method, path, json=body)
            return [answer.status_code, answer.text]

    async def broken_rules(self, number: int, owner_url: str, about: str = "") -> list[str]:
        """Check the rules of the contract on one of them, or those of one of its modules; return what breaks one."""
        engine, app, found = make_engine(settings_for_tests(owner_url)), self._apps[number], list[str | None]()
        async with AppSession(engine, expire_on_commit=False) as session:
            with stored_through(everyone(session)):
                for noun in self._nouns:
                    rules = [rule for rule in RULES if applies(rule, noun) and rule.__module__.endswith(about)]
                    found += [await _breaks(rule, ResourceUnderTest(noun, app, session)) for rule in rules]
        await engine.dispose()
        return [message for message in found if message]

    async def call(self, url: str, owner_url: str, *arguments: str) -> list[Any]:
        """Call `app` for a database, in a thread: it has an event loop of its own."""
        return await asyncio.to_thread(_call, url, owner_url, *arguments)

    async def do(self, number: int, owner: str, name: str, *words: Any) -> Any:
        """Call a function of the module of the nouns, with a session of a user's."""
        module = import_module(self._nouns[0].__module__)
        async with self._sessions[number]() as session:
            bind_owner(session, owner)
            try:
                return await getattr(module, name)(session, *words)
            except OwnershipError as error:
                return f"{type(error).__name__}: {error}"

    async def ask(self, number: int, request: list[Any]) -> list[Any]:
        """Send a request to one of them."""
        method, path, body, user, headers = request
        content = {} if body is None else {"json": body}
        async with Client(self._apps[number], user) as client:
            return as_words(await client.request(method, path, headers=headers, **content))


async def _breaks(rule: Rule, tested: ResourceUnderTest) -> str | None:
    try:
        await check_rule(rule, tested)
    except AssertionError as error:
        return str(error)
    return None


def _call(url: str, owner_url: str, *arguments: str) -> list[Any]:
    load_settings.cache_clear()
    environment = {"DATABASE_URL": url, "MIGRATION_DATABASE_URL": owner_url, "BETTER_AUTH_SECRET": SECRET}
    result = CliRunner().invoke(main, arguments, env=environment, prog_name="app", catch_exceptions=False)
    return [result.exit_code, result.stdout, result.stderr]


class Server:
    """Answers all connections, one line at a time, because a call changes the environment of the process."""

    def __init__(self, nouns: Nouns) -> None:
        self._nouns = nouns
        self._turn = asyncio.Lock()
        self._connections = 0
        self._ended = asyncio.Event()

    async def serve(self, listener: socket.socket) -> None:
        """Accept connections until the last one has ended."""
        async with await asyncio.start_unix_server(self._connected, sock=listener, limit=LONGEST_LINE):
            await self._ended.wait()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        writer.write(b"\n")
        try:
            async with AsyncExitStack() as stack:
                libraries = Libraries(stack, self._nouns)
                while line := await reader.readline():
                    async with self._turn:
                        writer.write(await _answer(libraries, line))
        finally:
            writer.close()
            self._connections -= 1
            if not self._connections:
                self._ended.set()


async def _answer(libraries: Libraries, line: bytes) -> bytes:
    name, *words = json.loads(line)
    answer = await getattr(libraries, name)(*words)
    return json.dumps(answer).encode() + b"\n"


if __name__ == "__main__":
    given = import_module(sys.argv[1]).NOUNS
    gc.freeze()  # as for the tests: see `app.testing.plugin`
    gc.set_threshold(50_000)
    asyncio.run(Server(given).serve(socket.socket(fileno=sys.stdin.fileno())))

"""Counts the statements of a request and, on PostgreSQL, its round trips."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.data.connection.execution import STATEMENT_LISTENERS


@contextmanager
def count_statements(engine: AsyncEngine) -> Iterator[list[str]]:
    """Collect the statements that repositories and the engine execute during the block."""
    statements: list[str] = []

    def collect(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", collect)
    STATEMENT_LISTENERS.append(statements.append)
    try:
        yield statements
    finally:
        STATEMENT_LISTENERS.remove(statements.append)
        event.remove(engine.sync_engine, "before_cursor_execute", collect)


class CountingProxy:
    """A proxy in front of PostgreSQL that counts round trips: all data that a client sends until the server answers."""

    def __init__(self, database_url: str) -> None:
        self._upstream = make_url(database_url)
        self.round_trips = 0
        self.url = ""
        self._writers: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["CountingProxy"]:
        """Listen on a free port during the block; `url` is the URL of the database through the proxy."""
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        here = self._upstream.difference_update_query(["host"]).set(host="127.0.0.1", port=port)
        self.url = here.render_as_string(hide_password=False)
        try:
            yield self
        finally:
            server.close()
            for writer in self._writers:
                writer.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await open_connection_to(self._upstream)
        self._writers += [writer, server_writer]
        answered = asyncio.Event()
        answered.set()

        async def forward() -> None:
            while data := await reader.read(65536):
                if answered.is_set():
                    self.round_trips += 1
                    answered.clear()
                server_writer.write(data)
            server_writer.close()

        async def answer() -> None:
            while data := await server_reader.read(65536):
                answered.set()
                writer.write(data)
            writer.close()

        await asyncio.gather(forward(), answer())


async def open_connection_to(url: URL) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection to a PostgreSQL server, over TCP or its Unix socket."""
    host = url.host or str(url.query.get("host", "localhost"))
    port = url.port or 5432
    if host.startswith("/"):
        return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
    return await asyncio.open_connection(host, port)

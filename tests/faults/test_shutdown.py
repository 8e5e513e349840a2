"""SIGTERM under load: who has asked is answered, and the process ends."""

import asyncio

from app.testing.databases import SqliteDatabases
from tests.faults.conftest import Serve
from tests.faults.load import under_load
from tests.serving import Server

IMPATIENT = 30


async def ask_without_a_pause(server: Server) -> str:
    """Ask on one connection until the server says that it closes it; return what is wrong with how it ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        while True:
            writer.write(b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readuntil(b"}")
            if b"connection: close" in head:
                return ""
    except (OSError, asyncio.IncompleteReadError) as error:
        return repr(error)
    finally:
        writer.close()


async def test_whoever_has_asked_is_answered_before_the_process_ends(
    sqlite_databases: SqliteDatabases, serve: Serve
) -> None:
    url = sqlite_databases.fresh()
    server = serve(url)

    async with under_load(server.url) as load:
        impatient = [asyncio.create_task(ask_without_a_pause(server)) for _ in range(IMPATIENT)]
        await load.more(20)
        exit_code = await asyncio.to_thread(server.stop)

    assert exit_code == 0
    assert {await one for one in impatient} == {""}
    load.check(url)
    assert load.failures == []

"""SIGTERM under load: who has asked is answered, and nobody is waited for any longer."""

import asyncio

from app.testing.databases import SqliteDatabases
from tests.faults.conftest import Serve
from tests.faults.load import under_load


async def test_whoever_has_asked_is_answered_before_the_process_ends(
    sqlite_databases: SqliteDatabases, serve: Serve
) -> None:
    url = sqlite_databases.fresh()
    server = serve(url)

    async with under_load(server.url) as load:
        exit_code = await asyncio.to_thread(server.stop)

    assert exit_code == 0
    load.check(url)
    assert load.failures == []

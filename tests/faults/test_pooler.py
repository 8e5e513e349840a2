"""The application behind PgBouncer in transaction mode: the pooler goes away, or the server behind it does."""

import asyncio

import pytest

from tests.faults.conftest import Serve
from tests.faults.load import CLIENTS, under_load
from tests.parts.cluster import Cluster, Database
from tests.parts.pooler import needs_pgbouncer, pooled

pytestmark = needs_pgbouncer


@pytest.mark.slow
async def test_no_answer_holds_rows_of_another_user(database: Database, serve: Serve) -> None:
    with pooled(database.url) as pooler:
        async with under_load(serve(pooler.url).url) as load:
            await load.more(500)

    load.check(database.owner_url)
    assert load.failures == []


@pytest.mark.slow
async def test_a_restart_of_the_pooler_fails_only_writes_in_progress(cluster: Cluster, serve: Serve) -> None:
    database = cluster.fresh()

    with pooled(database.url) as pooler:
        async with under_load(serve(pooler.url).url) as load:
            pooler.stop()
            await asyncio.sleep(1)
            pooler.start()
            await load.more(200)

    load.check(database.owner_url)
    assert load.hasty == []
    assert len([answer for answer in load.failures if answer.is_unknown]) <= CLIENTS


@pytest.mark.slow
async def test_a_restart_of_the_server_behind_the_pooler_fails_only_writes_in_progress(
    cluster: Cluster, serve: Serve
) -> None:
    database = cluster.fresh()

    with pooled(database.url) as pooler:
        async with under_load(serve(pooler.url).url) as load:
            await asyncio.to_thread(cluster.restart, "fast")
            await load.more(200)

    load.check(database.owner_url)
    assert load.hasty == []
    assert len([answer for answer in load.failures if answer.is_unknown]) <= CLIENTS

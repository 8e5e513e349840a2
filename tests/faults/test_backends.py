"""The database server restarts, crashes and freezes under load, and takes its connections with it."""

import asyncio

import pytest

from tests.faults.conftest import Serve
from tests.faults.load import CLIENTS, LONGEST, Load, under_load
from tests.parts.cluster import Cluster, Database
from tests.parts.serving import Server

FROZEN = 5  # seconds
RESTARTS = 3


async def test_terminated_connections_fail_no_request(server: Server, database: Database) -> None:
    async with under_load(server.url) as load:
        for _ in range(3):
            assert await asyncio.to_thread(database.terminate) > 1
            await load.more(100)

    load.check(database.owner_url)
    assert load.failures == []


@pytest.mark.slow
@pytest.mark.parametrize("restricted", [True, False], ids=["restricted", "owner"])
async def test_restarts_fail_no_request(cluster: Cluster, serve: Serve, restricted: bool) -> None:
    load = await under_restarts(cluster.fresh(restricted=restricted), cluster, serve, "fast")

    assert [answer for answer in load.failures if answer.is_unknown] == []
    assert load.hasty == []  # a machine on which a restart takes longer than the budget may give up


@pytest.mark.slow
async def test_crashes_fail_only_writes_in_progress(cluster: Cluster, serve: Serve) -> None:
    """A crash says no farewell: it may have come between a commit and its answer."""
    load = await under_restarts(cluster.fresh(), cluster, serve, "immediate")

    assert load.hasty == []
    assert len([answer for answer in load.failures if answer.is_unknown]) <= RESTARTS * CLIENTS


async def under_restarts(database: Database, cluster: Cluster, serve: Serve, mode: str) -> Load:
    async with under_load(serve(database.url).url) as load:
        for _ in range(RESTARTS):
            await asyncio.to_thread(cluster.restart, mode)
            await load.more(200)
    load.check(database.owner_url)
    return load


@pytest.mark.slow
async def test_a_frozen_server_is_waited_for_and_nothing_hangs_on_it(cluster: Cluster, serve: Serve) -> None:
    database = cluster.fresh()

    async with under_load(serve(database.url).url) as load:
        with cluster.frozen():
            await asyncio.sleep(FROZEN)
        await load.more(200)

    load.check(database.owner_url)


@pytest.mark.slow
async def test_a_server_that_stays_frozen_is_503_in_time_and_is_recovered_from(cluster: Cluster, serve: Serve) -> None:
    """The kernel keeps its connections alive, so that nobody but the application itself can tell."""
    database = cluster.fresh()

    async with under_load(serve(database.url).url) as load:
        with cluster.frozen():
            await asyncio.sleep(LONGEST + 5)
        await load.more(200)

    load.check(database.owner_url)
    assert len(load.failures) >= CLIENTS


@pytest.mark.slow
async def test_exhausted_connections_are_503_until_some_are_free(cluster: Cluster, serve: Serve) -> None:
    database = cluster.fresh()

    async with under_load(serve(database.url).url) as load:
        with database.without_connections():
            await asyncio.sleep(3)
        await load.more(200)

    load.check(database.owner_url)
    assert [answer for answer in load.failures if answer.is_unknown] == []  # nothing was sent, and the answer says so

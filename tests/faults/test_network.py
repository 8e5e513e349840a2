"""The network does what networks do: the database has to be woken up, or the link to it goes silent."""

import asyncio

import pytest

from tests.faults.conftest import Serve
from tests.faults.load import LONGEST, under_load
from tests.parts.cluster import Database
from tests.parts.network import Door, can_cut_links, link_to

COLD_START = 3  # seconds


@pytest.mark.slow
async def test_a_database_that_has_to_wake_up_is_waited_for(database: Database, serve: Serve) -> None:
    async with Door(database.url).serve() as door:
        server = await asyncio.to_thread(serve, door.url)
        async with under_load(server.url) as load:
            door.sleep(wakes_in=COLD_START)
            await load.more(200)

    load.check(database.owner_url)
    assert load.hasty == []
    assert max(answer.seconds for answer in load.answers) > COLD_START - 1  # it did sleep


@pytest.mark.slow
@can_cut_links
async def test_a_link_that_goes_silent_is_503_in_time_and_is_recovered_from(database: Database, serve: Serve) -> None:
    with link_to(database.url) as link:
        async with under_load(serve(link.url).url) as load:
            with link.silent():
                await asyncio.sleep(LONGEST + 2)
            await load.more(200)

    load.check(database.owner_url)
    assert len(load.failures) > 0

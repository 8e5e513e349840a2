"""A backup under load: it holds every row that was acknowledged before it began, and what is restored serves."""

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from app.asgi import create_app
from app.core.ops.checks import run_checks
from app.settings import BASE_DIR
from app.testing.databases import Databases
from tests.core.ops.checks.conftest import production
from tests.faults.conftest import Serve
from tests.faults.ledger import stored_in
from tests.faults.load import Load, under_load
from tests.parts.programs import PATH
from tests.parts.serving import environment_of

pytestmark = pytest.mark.slow


class Operator:
    """Calls commands in processes of their own, on one database, while others serve it."""

    def __init__(self, databases: Databases) -> None:
        self.url = databases.fresh()
        self.owner = databases.for_owner(self.url)

    async def call(self, *arguments: str) -> None:
        """Call one, and see that it succeeds."""
        settings = {"PATH": PATH, "DATABASE_URL": self.url, "MIGRATION_DATABASE_URL": self.owner}
        ended = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "app", *arguments],
            cwd=BASE_DIR,
            env=environment_of() | settings,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (0, "")

    def titles(self) -> list[str]:
        """The marks of all rows."""
        return [row.title for row in stored_in(self.owner)]


def acknowledged(load: Load) -> set[str]:
    return set(load.ledger.owners)


def unexpected(load: Load, *expected: int) -> Counter[int | None]:
    return Counter(answer.status for answer in load.answers if answer.status not in expected)


async def test_a_backup_under_load_is_whole_and_can_be_restored_elsewhere(
    databases: Databases, serve: Serve, tmp_path: Path
) -> None:
    here, there, file = Operator(databases), Operator(databases), tmp_path / "a.backup"

    async with under_load(serve(here.url).url, clients=8, writes=1) as load:
        await load.more(300)
        before = acknowledged(load)
        await here.call("backup", str(file))
        during = acknowledged(load)
        await load.more(100)

    await there.call("restore", str(file))
    found = there.titles()

    load.check(here.owner, statuses={200, 201})
    assert len(during) > len(before) > 200, "nobody wrote meanwhile"
    assert before <= set(found), "lost"
    assert set(found) <= acknowledged(load) | load.ledger.unknown, "never stored"
    assert len(found) == len(set(found)), "twice"
    assert len(found) < len(acknowledged(load)), "it was restored where it was"
    settings = production(there.url, migration_database_url=there.owner)
    found_by_checks = [finding.id for finding in await run_checks(settings, create_app, deploy=True)]
    assert [each for each in found_by_checks if each.startswith("data.") or each.startswith("security.E")] == []
    assert there.titles() == found
    async with under_load(serve(there.url).url, clients=8) as after:
        await after.more(50)
    after.check(there.owner, statuses={200, 201})


async def test_a_restore_under_load_leaves_all_of_the_old_or_all_of_the_new(
    databases: Databases, serve: Serve, tmp_path: Path
) -> None:
    site, file = Operator(databases), tmp_path / "a.backup"

    server = serve(site.url)
    async with under_load(server.url, clients=8, writes=1) as kept:
        await kept.more(200)
    await site.call("backup", str(file))
    async with under_load(server.url, clients=8, writes=0.5) as load:
        await load.more(200)
        await site.call("restore", str(file), "--yes")
        before = acknowledged(load)
        await load.more(300)

    found = set(site.titles())
    assert acknowledged(kept) <= found, "lost, though it is in the backup"
    assert acknowledged(load) - before, "nobody wrote afterwards"
    assert acknowledged(load) - before <= found, "lost, though it came behind the restore"
    assert before - found, "it was not restored"
    assert len(site.titles()) == len(found)
    assert unexpected(load, 200, 201, 404, 503) == Counter()  # 404: a row that came after the backup
    async with under_load(server.url, clients=8) as after:
        await after.more(50)
    after.check(site.owner, statuses={200, 201})

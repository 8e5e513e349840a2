"""The list of checks: a noun adds its own, and an id is one check's."""

from collections.abc import Iterator

import pytest

from app.asgi import create_app
from app.core.ops.checks import Context, Messages, check, run_checks
from app.core.ops.checks.registry import CHECKS
from app.testing.databases import SqliteDatabases
from tests.core.ops.checks.conftest import production


@pytest.fixture(autouse=True)
def _kept() -> Iterator[None]:
    """Take away what a test adds."""
    before = dict(CHECKS)
    yield
    CHECKS.clear()
    CHECKS.update(before)


@pytest.mark.parametrize(("deploy", "ids"), [(False, ["notes.W001"]), (True, ["notes.E002", "notes.W001"])])
async def test_a_check_of_ones_own_runs_with_the_others(
    sqlite_databases: SqliteDatabases, deploy: bool, ids: list[str]
) -> None:
    @check("notes.W001", hint="Write less.")
    async def notes_are_few(context: Context) -> Messages:
        yield f"There are many notes in {context.engine.dialect.name}."

    @check("notes.E002", hint="Write more.", deploy=True)
    async def notes_are_many(context: Context) -> Messages:
        yield "There are few notes."

    found = await run_checks(production(sqlite_databases.fresh()), create_app, deploy=deploy)

    assert [message.id for message in found if message.level != "info"] == ids
    assert found[-2 if deploy else -1].as_dict() == {
        "id": "notes.W001",
        "level": "warning",
        "message": "There are many notes in sqlite.",
        "hint": "Write less.",
    }


@pytest.mark.parametrize("id", ["tasks", "tasks.1", "tasks.X001", "Tasks.W001", "tasks.W1", "security.E001"])
def test_an_id_has_a_form_and_is_given_once(id: str) -> None:
    with pytest.raises(ValueError, match=id):
        check(id, hint="")


async def test_only_a_deployment_is_asked_what_concerns_it(sqlite_databases: SqliteDatabases) -> None:
    settings = production(sqlite_databases.fresh(), app_env="development")

    assert await run_checks(settings, create_app, deploy=False) == []
    assert await run_checks(settings, create_app, deploy=True) != []


async def test_a_database_that_is_away_is_waited_for_once() -> None:
    asked = []

    @check("notes.E003", hint="", needs_database=True)
    async def notes_are_stored(context: Context) -> Messages:
        asked.append(context)
        yield "never"

    found = await run_checks(production("postgresql://x@127.0.0.1:1/x"), create_app, deploy=True)

    assert [message.id for message in found if message.id.startswith("data.E")] == ["data.E006"]
    assert asked == []

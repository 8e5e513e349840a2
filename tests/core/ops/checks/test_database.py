"""Checks of the database find what was done to it, and nothing where nothing was."""

from collections.abc import Awaitable, Callable

import psycopg
import pytest
from sqlalchemy import make_url

from app.core.data.schema.migrations import downgrade
from app.testing.databases import Databases, PostgresDatabases, SqliteDatabases, settings_for_tests
from tests.core.conftest import WriteMigration
from tests.core.ops.checks.conftest import change, messages, production
from tests.parts.history import NEWEST, NEXT, NEXT_BUT_ONE

Ids = Callable[..., Awaitable[list[str]]]


async def test_a_role_that_is_held_to_its_rows_is_in_order(restricted: Databases, ids: Ids) -> None:
    assert await ids(production(restricted.fresh())) == []


@pytest.mark.parametrize("right", ["SELECT", "INSERT", "UPDATE", "DELETE"])
async def test_a_right_that_the_role_lacks_is_an_error(
    postgres: PostgresDatabases, restricted: Databases, right: str
) -> None:
    url = restricted.fresh()
    change(restricted, url, f'REVOKE {right} ON tasks FROM "{postgres.role}"')
    [message] = await messages(production(url))

    assert (message.id, message.level) == ("security.E005", "error")
    assert message.message == f"The role that serves has no {right} on tasks."


async def test_a_role_that_may_change_what_was_migrated_is_a_warning(
    postgres: PostgresDatabases, restricted: Databases
) -> None:
    url = restricted.fresh()
    change(restricted, url, f'GRANT UPDATE ON alembic_version TO "{postgres.role}"')
    [message] = await messages(production(url))

    assert (message.id, message.level) == ("security.W007", "warning")


async def test_sqlite_has_no_roles(sqlite_databases: SqliteDatabases, ids: Ids) -> None:
    assert await ids(production(sqlite_databases.fresh())) == []


async def test_a_superuser_bypasses_the_policies(postgres: PostgresDatabases) -> None:
    (message,) = await messages(production(postgres.fresh()))

    assert (message.id, message.level) == ("security.W001", "warning")
    assert "bypasses" in message.message


async def test_an_owner_is_not_held_by_its_own_policies(postgres: PostgresDatabases, restricted: Databases) -> None:
    url = restricted.fresh()
    owner = make_url(restricted.for_owner(url)).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(f'ALTER TABLE tasks OWNER TO "{postgres.role}"'.encode())
    (message,) = await messages(production(url))

    assert "owns the tables" in message.message


@pytest.mark.any_database
async def test_a_missing_migration_is_an_error(databases: Databases, ids: Ids) -> None:
    url = databases.for_owner(databases.fresh())
    downgrade(settings_for_tests(url), "0001")

    assert (await ids(production(url)))[0] == "data.E001"


@pytest.mark.any_database
async def test_a_migration_of_a_newer_version_is_a_warning(databases: Databases, ids: Ids) -> None:
    url = databases.fresh()
    change(databases, url, "UPDATE alembic_version SET version_num = '9999'", "ALTER TABLE tasks ADD COLUMN hue TEXT")

    assert [id for id in await ids(production(url)) if id.startswith("data.")] == ["data.W002"]


async def test_migrations_that_do_not_follow_each_other_are_an_error(
    sqlite_databases: Databases, ids: Ids, write_migration: WriteMigration
) -> None:
    write_migration(NEXT, "pass", after=NEWEST)
    write_migration(NEXT_BUT_ONE, "pass", after=NEWEST)

    assert "data.E009" in await ids(production(sqlite_databases.fresh()))


async def test_a_database_that_is_away_is_said_once(ids: Ids) -> None:
    assert await ids(production("postgresql://nobody@127.0.0.1:1/none")) == ["data.E006"]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP INDEX ix_tasks_user_id_project_id", "add index ix_tasks_user_id_project_id on tasks"),
        ("ALTER TABLE tasks ADD COLUMN colour TEXT", "remove column colour on tasks"),
    ],
)
async def test_a_table_that_was_changed_is_an_error(databases: Databases, statement: str, words: str) -> None:
    url = databases.fresh()
    change(databases, url, statement)
    found = [message for message in await messages(production(url)) if message.level == "error"]

    assert [(message.id, words in message.message) for message in found] == [("data.E003", True)]


async def test_a_composite_key_that_is_gone_is_an_error(restricted: Databases) -> None:
    url = restricted.fresh()
    change(restricted, url, "ALTER TABLE tasks DROP CONSTRAINT fk_tasks_user_id_project_id")
    (message,) = await messages(production(url))

    assert (message.id, "fk_tasks_user_id_project_id" in message.message) == ("data.E003", True)


async def test_somebody_elses_table_is_no_finding(restricted: Databases, ids: Ids) -> None:
    url = restricted.fresh()
    change(restricted, url, "CREATE TABLE session (id text, user_id text)", "CREATE INDEX s ON session (user_id)")

    assert await ids(production(url)) == []


@pytest.mark.any_database
async def test_a_protection_that_was_altered_is_an_error(databases: Databases, ids: Ids) -> None:
    url = databases.fresh()
    on = "" if url.startswith("sqlite") else " ON tasks"
    change(databases, url, f"DROP TRIGGER tasks_owner_is_final{on}")

    assert (await ids(production(url)))[0] == "data.E005"

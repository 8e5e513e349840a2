"""Checks find what they are for, and nothing where there is nothing."""

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from app.core.data.migrations import downgrade
from app.core.ops.checks import run_checks
from app.settings import Settings
from app.testing.databases import Databases, PostgresDatabases, settings_for_tests


async def found(settings: Settings) -> set[str]:
    return {finding.id for finding in await run_checks(settings, deploy=True)}


async def test_a_role_that_is_held_to_its_rows_is_in_order(restricted: Databases) -> None:
    assert await found(settings_for_tests(restricted.fresh())) == set()


async def test_sqlite_has_no_roles(sqlite_databases: Databases) -> None:
    assert await found(settings_for_tests(sqlite_databases.fresh())) == set()


async def test_a_superuser_bypasses_the_policies(postgres: PostgresDatabases) -> None:
    (finding,) = await run_checks(settings_for_tests(postgres.fresh()), deploy=True)

    assert (finding.id, finding.level) == ("security.W001", "warning")
    assert "bypasses" in finding.message


async def test_an_owner_is_not_held_by_its_own_policies(postgres: PostgresDatabases, restricted: Databases) -> None:
    url = restricted.fresh()
    owner = make_url(restricted.for_owner(url)).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(f'ALTER TABLE tasks OWNER TO "{postgres.role}"'.encode())
    (finding,) = await run_checks(settings_for_tests(url), deploy=True)

    assert "owns the tables" in finding.message


async def test_a_missing_migration_is_an_error(databases: Databases) -> None:
    settings = settings_for_tests(databases.for_owner(databases.fresh()))
    downgrade(settings, "0001")

    assert "data.E001" in await found(settings)


@pytest.mark.parametrize("deploy", [True, False])
async def test_only_a_deployment_is_asked_for_its_role(deploy: bool, postgres: PostgresDatabases) -> None:
    settings = settings_for_tests(postgres.fresh()).model_copy(update={"better_auth_secret": SecretStr("x" * 32)})

    assert bool(await run_checks(settings, deploy=deploy)) == deploy

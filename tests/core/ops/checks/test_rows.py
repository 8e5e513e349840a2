"""Checks of rows need the right to read them, whose lack another check reports."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.core.ops.checks.rows import rows_of
from app.testing.databases import Databases, PostgresDatabases
from tests.core.ops.checks.conftest import change, production


async def test_a_role_without_the_right_to_read_a_table_ends_the_check_without_an_error(
    postgres: PostgresDatabases, restricted: Databases
) -> None:
    url, was_read = restricted.fresh(), False
    change(restricted, url, f'REVOKE SELECT ON tasks FROM "{postgres.role}"')
    with rows_of(production(url)) as connection:
        connection.execute(text("SELECT id FROM tasks"))
        was_read = True

    assert not was_read


async def test_any_other_error_is_raised(restricted: Databases) -> None:
    with pytest.raises(ProgrammingError), rows_of(production(restricted.fresh())) as connection:
        connection.execute(text("SELECT id FROM ghosts"))

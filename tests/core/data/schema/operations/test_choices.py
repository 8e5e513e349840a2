"""A rule that says something else is a difference, and one that is only written in another way is none."""

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Column, Connection, Integer, MetaData, String, Table, create_engine
from sqlalchemy.pool import StaticPool

from app.core.data.schema.drift import COMPARISON


@pytest.fixture
def connection() -> Iterator[Connection]:
    with create_engine("sqlite://", poolclass=StaticPool).connect() as connection:
        yield connection


def with_rule(rule: str) -> MetaData:
    metadata = MetaData()
    check = CheckConstraint(rule, name="ck_things_rule")
    Table("things", metadata, Column("id", Integer, primary_key=True), Column("name", String(9)), check)
    return metadata


@pytest.mark.parametrize(
    ("before", "after", "is_other"),
    [
        ("name <> 'a b'", "name <> 'ab'", True),
        ("name <> 'a\"b'", "name <> 'ab'", True),
        ("name <> 'it''s'", "name <> 'its'", True),
        ("id < 3", "id < 4", True),
        ("id < 3", "id  <  3", False),
        ("name <> ''", "\"name\" <> ''", False),
    ],
)
def test_what_a_rule_says_is_compared(connection: Connection, before: str, after: str, is_other: bool) -> None:
    with_rule(before).create_all(connection)

    context = MigrationContext.configure(connection, opts=COMPARISON)

    assert bool(compare_metadata(context, with_rule(after))) is is_other

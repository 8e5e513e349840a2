"""Checks of tables in partitions, on Citus (of which only the catalog is here), and of the way that a subject goes."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import make_url, text

from app.core.data.connection.engine import database_url
from app.core.data.schema.engines import migration_engine
from app.core.data.tables.registry import owned_table_names
from app.testing.databases import Databases, PostgresDatabases
from tests.core.ops.checks.conftest import change, messages, production
from tests.parts.partitioned import PARTITIONS, partition

Ids = Callable[..., Awaitable[list[str]]]

CITUS = (
    "INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) "
    "VALUES (99999, 'citus', 10, 'pg_catalog'::regnamespace, false, '13.2-2')",
    "CREATE TABLE pg_dist_partition (logicalrelid regclass, partkey text)",
    "GRANT SELECT ON pg_dist_partition TO public",
    "CREATE FUNCTION column_to_column_name(regclass, text) RETURNS text LANGUAGE sql AS 'SELECT $2'",
)
SPREAD = "INSERT INTO pg_dist_partition VALUES " + ", ".join(f"('{name}', 'user_id')" for name in owned_table_names())


@pytest.fixture
def partitioned(postgres: PostgresDatabases, restricted: Databases) -> str:
    """The role's URL of a database with partitions that it may use."""
    url = restricted.fresh()
    partition(restricted.for_owner(url), postgres.role)
    return url


async def test_a_partition_without_row_level_security_is_an_error(partitioned: str) -> None:
    found = await messages(production(partitioned))

    assert [(message.id, message.level) for message in found] == [("security.E006", "error")] * len(PARTITIONS)
    for name, message in zip(PARTITIONS, found, strict=True):
        assert f"to {name.partition('_')[0]}, but not to its partition {name}," in message.message


async def test_what_it_finds_is_so(restricted: Databases, partitioned: str) -> None:
    change(
        restricted, partitioned, "INSERT INTO tasks (user_id, title) VALUES ('alice', 'a'), ('bob', 'b'), ('c', 'c')"
    )
    with migration_engine(database_url(partitioned)).connect() as connection:
        counts = [
            connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in ("tasks", *PARTITIONS)
        ]

    assert counts[0] == 0
    assert sum(counts) == 3


@pytest.mark.parametrize("hint", ["ALTER TABLE {} ENABLE ROW LEVEL SECURITY", "REVOKE ALL ON {} FROM {role}"])
async def test_partitions_that_are_closed_are_in_order(
    postgres: PostgresDatabases, restricted: Databases, partitioned: str, ids: Ids, hint: str
) -> None:
    change(restricted, partitioned, *(hint.format(name, role=postgres.role) for name in PARTITIONS))

    assert await ids(production(partitioned)) == []


async def test_tables_that_inherit_are_parts_too(postgres: PostgresDatabases, restricted: Databases, ids: Ids) -> None:
    url = restricted.fresh()
    change(
        restricted,
        url,
        "CREATE TABLE archive () INHERITS (tasks)",
        "CREATE TABLE older () INHERITS (archive)",
        f"GRANT SELECT ON archive, older TO {postgres.role}",
        "ALTER TABLE archive ENABLE ROW LEVEL SECURITY",
    )
    (message,) = await messages(production(url))

    assert "but not to its partition older," in message.message


async def test_a_table_that_is_not_distributed_is_an_error(postgres: PostgresDatabases) -> None:
    url = postgres.fresh()
    change(postgres, url, *CITUS, "INSERT INTO pg_dist_partition VALUES ('tasks', 'user_id')")
    found = [message for message in await messages(production(url)) if message.level == "error"]

    assert [(message.id, message.message) for message in found] == [
        ("data.E007", f"The table {name} is not distributed by user_id.")
        for name in sorted(owned_table_names())
        if name != "tasks"
    ]


@pytest.mark.parametrize("key", ["NULL", "'id'"], ids=["to all machines", "by the id"])
async def test_nor_is_one_that_is_distributed_in_another_way(postgres: PostgresDatabases, ids: Ids, key: str) -> None:
    url = postgres.fresh()
    change(postgres, url, *CITUS, SPREAD)
    assert "data.E007" not in await ids(production(url))

    change(postgres, url, f"UPDATE pg_dist_partition SET partkey = {key}")
    assert (await ids(production(url)))[:2] == ["data.E007"] * 2


async def test_on_citus_the_workers_are_not_told_for_whom(restricted: Databases) -> None:
    url = restricted.fresh()
    change(restricted, url, *CITUS, SPREAD)
    (message,) = await messages(production(url))

    assert (message.id, message.level) == ("security.E007", "error")
    assert "Citus does not send the owner of a statement to its workers" in message.message


async def test_a_subject_that_does_not_arrive_is_an_error(postgres: PostgresDatabases, restricted: Databases) -> None:
    url = restricted.fresh()
    role, name = postgres.role, make_url(url).database
    change(
        restricted,
        url,
        "CREATE FUNCTION set_config(text, text, boolean) RETURNS text LANGUAGE sql AS 'SELECT $2'",
        f"ALTER ROLE {role} IN DATABASE {name} SET search_path = public, pg_catalog",
    )
    (message,) = await messages(production(url))

    assert (message.id, message.level) == ("security.E007", "error")
    assert "does not reach PostgreSQL" in message.message

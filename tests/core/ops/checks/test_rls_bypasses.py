"""Views and functions that read owned tables with somebody else's rights are found, and those that do not are not."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Column, Integer, Table, Text, text
from sqlmodel import SQLModel

from app.core.data.connection.engine import database_url
from app.core.data.schema.engines import migration_engine
from app.testing.databases import Databases, PostgresDatabases, SqliteDatabases
from tests.core.ops.checks.conftest import change, messages, production

Ids = Callable[..., Awaitable[list[str]]]

ROWS = "INSERT INTO tasks (user_id, title) VALUES ('alice', 'a'), ('bob', 'b')"
OPEN_VIEWS = {
    "view": ("CREATE VIEW detour AS SELECT title FROM tasks",),
    "materialised": ("CREATE MATERIALIZED VIEW detour AS SELECT title FROM tasks",),
    "of a view": (
        "CREATE VIEW inside AS SELECT title FROM tasks",
        "CREATE VIEW detour AS SELECT title FROM inside",
    ),
    "of a view, materialised": (
        "CREATE VIEW inside WITH (security_invoker = true) AS SELECT title FROM tasks",
        "CREATE MATERIALIZED VIEW detour AS SELECT title FROM inside",
    ),
    "another setting": ("CREATE VIEW detour WITH (security_barrier = true) AS SELECT title FROM tasks",),
    "off": ("CREATE VIEW detour WITH (security_invoker = off) AS SELECT title FROM tasks",),
}
FUNCTION = "CREATE FUNCTION detour() RETURNS SETOF text LANGUAGE sql {} AS 'SELECT title FROM public.tasks'"


@pytest.fixture
def url(restricted: Databases) -> str:
    return restricted.fresh()


def rows_of(url: str, source: str) -> int:
    with migration_engine(database_url(url)).connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {source}")).scalar_one())


@pytest.mark.parametrize("views", OPEN_VIEWS.values(), ids=OPEN_VIEWS)
async def test_a_view_with_the_rights_of_its_owner_is_an_error(
    postgres: PostgresDatabases, restricted: Databases, url: str, views: tuple[str, ...]
) -> None:
    change(restricted, url, ROWS, *views, f'GRANT SELECT ON detour TO "{postgres.role}"')
    [message] = await messages(production(url))

    assert (message.id, message.level) == ("security.E008", "error")
    assert message.message.startswith("The view detour reads tasks ")
    assert rows_of(url, "tasks") == 0
    assert rows_of(url, "detour") == 2


CLOSED_VIEWS = {
    "not for the role": ("CREATE VIEW detour AS SELECT title FROM tasks", "REVOKE ALL ON detour FROM PUBLIC"),
    "with the caller's rights": (
        "CREATE VIEW detour WITH (security_invoker = on) AS SELECT title FROM tasks",
        "GRANT SELECT ON detour TO {role}",
    ),
    "of a view with the caller's rights": (
        "CREATE VIEW inside WITH (security_invoker = true) AS SELECT title FROM tasks",
        "CREATE VIEW detour AS SELECT title FROM inside",
        "GRANT SELECT ON detour, inside TO {role}",
    ),
    "of no owned table": ("CREATE VIEW detour AS SELECT version_num FROM alembic_version",),
}


@pytest.mark.parametrize("views", CLOSED_VIEWS.values(), ids=CLOSED_VIEWS)
async def test_a_view_that_asks_for_the_caller_is_in_order(
    postgres: PostgresDatabases, restricted: Databases, url: str, ids: Ids, views: tuple[str, ...]
) -> None:
    change(restricted, url, ROWS, *(view.format(role=f'"{postgres.role}"') for view in views))

    assert await ids(production(url)) == []


async def test_a_function_with_the_rights_of_its_owner_is_a_warning(restricted: Databases, url: str) -> None:
    change(restricted, url, ROWS, FUNCTION.format("SECURITY DEFINER"))
    [message] = await messages(production(url))

    assert (message.id, message.level) == ("security.W008", "warning")
    assert "detour()" in message.message
    assert rows_of(url, "detour()") == 2


@pytest.mark.parametrize(
    "statements",
    [(FUNCTION.format(""),), (FUNCTION.format("SECURITY DEFINER"), "REVOKE EXECUTE ON FUNCTION detour() FROM PUBLIC")],
)
async def test_a_function_that_asks_for_the_caller_is_in_order(
    restricted: Databases, url: str, ids: Ids, statements: tuple[str, ...]
) -> None:
    change(restricted, url, *statements)

    assert await ids(production(url)) == []


@contextmanager
def mapped(*columns: Column[str]) -> Iterator[None]:
    view = Table("detour", SQLModel.metadata, Column("id", Integer, primary_key=True), *columns)
    try:
        yield
    finally:
        SQLModel.metadata.remove(view)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_mapped_view_without_an_owner_is_an_error(
    kind: str, postgres: PostgresDatabases, sqlite_databases: SqliteDatabases, ids: Ids
) -> None:
    source: Databases = postgres if kind == "postgres" else sqlite_databases
    url = source.fresh()
    change(
        source,
        url,
        "CREATE VIEW inside AS SELECT * FROM tasks",
        "CREATE VIEW detour AS SELECT id, user_id FROM inside",
        "CREATE VIEW elsewhere AS SELECT version_num FROM alembic_version",
    )
    with mapped():
        assert "data.E008" in await ids(production(url))
    with mapped(Column("user_id", Text)):
        assert "data.E008" not in await ids(production(url))


async def test_a_view_that_only_has_the_word_for_a_table_in_it_is_in_order(
    sqlite_databases: SqliteDatabases, ids: Ids
) -> None:
    url = sqlite_databases.fresh()
    broken = "CREATE VIEW broken AS SELECT id FROM gone"
    change(
        sqlite_databases, url, broken, "CREATE VIEW detour AS SELECT version_num AS id, 'tasks' FROM alembic_version"
    )

    with mapped():
        assert "data.E008" not in await ids(production(url))

"""Ten changes, one after the other: an empty and a filled database end up the same, and as the models say."""

import re

import pytest
from sqlalchemy import Connection, MetaData

from app.core.data.schema.autogenerate.scripts import make_migration
from app.core.data.schema.migrations import downgrade, upgrade
from app.core.data.schema.protections import protections_of
from app.settings import Settings
from app.testing.databases import PostgresDatabases, SqliteDatabases, settings_for_tests
from tests.core.data.schema.changes.kinds import KINDS
from tests.core.data.schema.changes.rows import all_of, connect, is_sound
from tests.core.data.schema.changes.tables import models
from tests.parts.history import NEXT

HISTORY = (
    ("a text with a default", "notes"),
    ("a required field", "tasks"),
    ("a field is renamed", "projects"),
    ("a longer text", "notes"),
    ("a unique rule", "notes"),
    ("a reference to a new noun", "tasks"),
    ("a choice gets a value", "notes"),
    ("a field goes", "projects"),
    ("a reference to itself", "projects"),
    ("the noun is renamed", "notes"),
)
CATALOG = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'",
    "postgresql": """
        SELECT conrelid::regclass::text || ' ' || conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
        UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT attrelid::regclass::text || ' ' || attname, format_type(atttypid, atttypmod) || attnotnull
            || attidentity::text FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
        WHERE attnum > 0 AND NOT attisdropped AND relkind = 'r' AND relnamespace = 'public'::regnamespace
        UNION ALL SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT policyname, tablename || qual || with_check FROM pg_policies
        UNION ALL SELECT relname, relreplident::text || relrowsecurity FROM pg_class
        WHERE relkind IN ('r', 'S') AND relnamespace = 'public'::regnamespace
    """,
}


def schema_of(connection: Connection) -> list[tuple[str, str]]:
    """Everything in the database, as statements; of a table of SQLite, its parts in any order and without quotes."""
    rows = connection.exec_driver_sql(CATALOG[connection.dialect.name])
    return sorted((name, _plain(sql or "")) for name, sql in rows)


def _plain(statement: str) -> str:
    parts = re.split(r",\s+|\s*\n\s*", re.sub('["()]', "", statement).strip())
    return "\n".join(sorted(parts))


def make(connection: Connection, metadata: MetaData) -> None:
    """Make the tables that the models say, without a migration."""
    connection.exec_driver_sql(
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY)"
    )
    metadata.create_all(connection)
    for protection in protections_of(metadata):
        for statement in protection.definition(connection.dialect.name):
            connection.exec_driver_sql(statement)


@pytest.fixture
def history(migrations: str) -> MetaData:
    """The models after ten changes, each with its migration."""
    metadata = models()
    for number, (name, noun) in enumerate(HISTORY):
        KINDS[name].change(metadata, noun)
        make_migration(f"change_{number}", KINDS[name].answers(noun), metadata)
    return metadata


@pytest.mark.slow
def test_ten_changes_there_and_back(
    filled: Settings, history: MetaData, sqlite_databases: SqliteDatabases, postgres: PostgresDatabases
) -> None:
    source = sqlite_databases if filled.database_url.get_secret_value().startswith("sqlite") else postgres
    empty = settings_for_tests(source.fresh())
    with connect(filled) as connection:
        before, there = schema_of(connection), {t.name: all_of(connection, t) for t in models().tables.values()}

    upgrade(filled)
    upgrade(empty)

    is_sound(filled, history)
    with connect(filled) as connection, connect(empty) as other:
        assert schema_of(connection) == schema_of(other)
        reached = schema_of(connection)
        # As the version before stores it, which does not know the new column.
        connection.exec_driver_sql("INSERT INTO renamed_nouns (user_id, title) VALUES ('alice', 'of before')")
        defaults = connection.exec_driver_sql("SELECT DISTINCT colour FROM renamed_nouns").scalars().all()
        assert defaults == ["it's 100% red: :x"]
        connection.exec_driver_sql("DELETE FROM renamed_nouns WHERE title = 'of before'")
    assert_as_models_say(source, history, reached)

    downgrade(filled, NEXT)
    is_sound(filled, models())
    with connect(filled) as connection:
        assert schema_of(connection) == before
        for table in models().tables.values():
            gone = {"description"} if table.name == "projects" else set()
            assert all_of(connection, table) == [
                {name: None if name in gone else value for name, value in row.items()} for row in there[table.name]
            ]


def assert_as_models_say(
    source: SqliteDatabases | PostgresDatabases, metadata: MetaData, reached: list[tuple[str, str]]
) -> None:
    """SQLite keeps the statements as they were written, so it is compared by what they mean: see is_sound()."""
    if isinstance(source, SqliteDatabases):
        return
    made = settings_for_tests(source.empty())
    with connect(made) as connection:
        make(connection, metadata)
        assert schema_of(connection) == reached

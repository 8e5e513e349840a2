"""Online migrations: the same tables as in one transaction, and run again without harm where they stopped half-way."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from sqlalchemy import Connection, Engine, event, inspect, text

from app.core.data.connection.engine import database_url
from app.core.data.errors import MigrationError, UnfitRows
from app.core.data.schema.ddl.batches import BATCH_SIZE
from app.core.data.schema.drift import drift
from app.core.data.schema.engines import migration_engine
from app.core.data.schema.inspection import unenforced_constraints
from app.core.data.schema.migrations import upgrade
from app.core.data.schema.revisions import pending
from app.settings import Settings
from app.testing.databases import PostgresDatabases, settings_for_tests
from tests.core.conftest import WriteMigration
from tests.parts.history import NEWEST

# Each change, as a migration would have it, and as one that stopped before its version was noted would meet it again.
CHANGES: Final = {
    "column": "op.add_column('tasks', sa.Column('colour', sa.Text()))",
    "column with default": "op.add_column('tasks', sa.Column('n', sa.Integer(), server_default='3', nullable=False))",
    "drop column": "op.drop_column('tasks', 'description')",
    "index": "op.create_index('ix_tasks_title', 'tasks', ['user_id', 'title'])",
    "drop index": "op.drop_index('ix_tasks_user_id_project_id', 'tasks')",
    "table": "op.create_table('notes', sa.Column('id', sa.Integer(), primary_key=True), sa.Column('n', sa.Text(),"
    " index=True))",
    "drop table": "op.drop_table('projects_gone')",
    "rename table": "op.rename_table('projects_gone', 'gone')",
    "fill": "op.fill_empty('tasks', 'description', 'none')",
    "replace": "op.replace_value('tasks', 'title', 'old', 'new')",
}
IN_BATCH: Final = {
    "unique": "create_unique_constraint('uq_tasks_title', ['user_id', 'title'])",
    "reference": "create_foreign_key('fk_tasks_other', 'projects', ['user_id', 'other_id'], ['user_id', 'id'])",
    "drop reference": "drop_constraint('fk_tasks_user_id_project_id', type_='foreignkey')",
    "check": "create_check_constraint('ck_tasks_title', sa.column('title') != '')",
    "required": "alter_column('description', nullable=False, existing_type=sa.Text())",
    "rename column": "alter_column('description', new_column_name='words')",
    "longer": "alter_column('title', type_=sa.String(300), existing_type=sa.String(200))",
    "default": "alter_column('title', server_default='untitled', existing_type=sa.String(200))",
    "index": "create_index('ix_tasks_title', ['user_id', 'title'])",
    "column": "add_column(sa.Column('colour', sa.Text()))",
}
CHANGES_IN_BATCH: Final = {
    f"{name} in batch": f"with op.batch_alter_table('tasks') as batch_op:\n        batch_op.{call}"
    for name, call in IN_BATCH.items()
}


# What takes several statements online, and one of those that take the same as otherwise.
QUICK: Final = {"column with default", "index", "drop index", "fill", "unique in batch", "reference in batch"} | {
    "check in batch",
    "required in batch",
}


def changes(name: str) -> pytest.ParameterSet:
    marks = () if name in QUICK else pytest.mark.slow
    return pytest.param((CHANGES | CHANGES_IN_BATCH)[name], marks=marks, id=name)


SCANS: Final = ("index", "unique in batch", "reference in batch", "check in batch", "required in batch")
# None of these reads the rows while it stops others; SET NOT NULL is looked at on its own.
HARMLESS: Final = r"CONCURRENTLY|NOT VALID$|VALIDATE CONSTRAINT|USING INDEX|SET NOT NULL$|DROP CONSTRAINT \S+$"


@pytest.fixture
def on_postgres(postgres: PostgresDatabases) -> Settings:
    return settings_for_tests(postgres.fresh())


def engine_of(settings: Settings) -> Engine:
    return migration_engine(database_url(settings.database_url.get_secret_value()))


def add_rows(engine: Engine, titles: list[str]) -> None:
    rows = [{"title": title} for title in titles]
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO tasks (user_id, title, completed) VALUES ('alice', :title, false)"), rows)


def forget(engine: Engine, revision: str) -> None:
    """Let the database be as after a run that was killed before it noted the revision."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


@contextmanager
def statements_of_migrations() -> Iterator[list[str]]:
    """Collect what migrations execute while the block runs."""
    heard: list[str] = []

    def hear(_: Connection, __: Any, statement: str, *___: Any) -> None:
        heard.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


@contextmanager
def notices() -> Iterator[list[str]]:
    """Collect what PostgreSQL remarks while the block runs."""
    heard: list[str] = []

    def hear(connection: Any, _: Any) -> None:
        connection.add_notice_handler(lambda notice: heard.append(notice.message_primary))

    event.listen(Engine, "connect", hear)
    try:
        yield heard
    finally:
        event.remove(Engine, "connect", hear)


def online(change: str) -> str:
    return f"with op.online():\n    {change}"


@pytest.mark.parametrize("change", [changes(name) for name in CHANGES | CHANGES_IN_BATCH])
def test_online_it_comes_to_the_same_and_a_second_time_changes_nothing(
    postgres: PostgresDatabases, write_migration: WriteMigration, change: str
) -> None:
    both = [settings_for_tests(postgres.fresh()) for _ in range(2)]
    for settings in both:
        with engine_of(settings).begin() as connection:
            connection.execute(text("ALTER TABLE tasks ADD COLUMN other_id bigint"))
            connection.execute(text("CREATE TABLE projects_gone (id int)"))
            connection.execute(text("INSERT INTO tasks (user_id, title, description) VALUES ('alice', 'old', 'd')"))
    path = write_migration("0099", change.replace("\n    ", "\n"))
    newest = pending(both[0])
    upgrade(both[0])
    path.unlink()
    write_migration("0099", online(change))

    upgrade(both[1])
    once = shape_of(both[1])
    forget(engine_of(both[1]), NEWEST)
    upgrade(both[1])

    assert newest == ["0099"]
    assert shape_of(both[0]) == once == shape_of(both[1])


def shape_of(settings: Settings) -> list[Any]:
    """All that the catalog says of the tables, and the rows of one."""
    with engine_of(settings).connect() as connection:
        there = inspect(connection)
        columns = [
            (name, [str(column) for column in there.get_columns(name)]) for name in sorted(there.get_table_names())
        ]
        rest = connection.execute(
            text(
                "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint "
                "UNION ALL SELECT tablename, indexname, indexdef, true FROM pg_indexes WHERE schemaname = 'public' "
                "ORDER BY 1, 2, 3"
            )
        ).all()
        rows = connection.execute(text("SELECT * FROM tasks")).all()
        return [columns, rest, [row[:4] for row in rows], unenforced_constraints(connection)]


@pytest.mark.parametrize("name", ["fill", "replace"])
def test_a_value_is_put_in_the_place_of_another_in_every_row(
    settings: Settings, write_migration: WriteMigration, name: str
) -> None:
    engine = engine_of(settings)
    add_rows(engine, ["old", "other"] * (BATCH_SIZE + 1))
    write_migration("0099", online(CHANGES[name]))

    upgrade(settings)

    with engine.connect() as connection:
        rows = set(connection.execute(text("SELECT title, description FROM tasks")).all())
    assert rows == ({("old", "none"), ("other", "none")} if name == "fill" else {("new", None), ("other", None)})


def test_online_a_large_table_is_filled_in_parts(on_postgres: Settings, write_migration: WriteMigration) -> None:
    add_rows(engine_of(on_postgres), ["old"] * (2 * BATCH_SIZE + 1))
    write_migration("0099", online(CHANGES["fill"]))

    with statements_of_migrations() as heard:
        upgrade(on_postgres)

    assert len([statement for statement in heard if statement.startswith("UPDATE tasks")]) == 3


@pytest.mark.parametrize(
    "change",
    [
        "create_unique_constraint('uq_tasks_title', ['title'])",
        "create_index('uq_tasks_title', ['title'], unique=True)",
        "create_check_constraint('uq_tasks_title', sa.column('title') != 'same')",
        "create_foreign_key('uq_tasks_title', 'projects', ['user_id', 'other_id'], ['user_id', 'id'])",
    ],
)
def test_rows_that_break_a_rule_are_one_sentence_and_nothing_of_the_rule_stays(
    on_postgres: Settings, write_migration: WriteMigration, change: str
) -> None:
    engine = engine_of(on_postgres)
    add_rows(engine, ["same", "same"])
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE tasks ADD COLUMN other_id bigint DEFAULT 7"))
    before = shape_of(on_postgres)
    write_migration("0099", online(f"with op.batch_alter_table('tasks') as batch_op:\n        batch_op.{change}"))

    with pytest.raises(UnfitRows, match=r"^some rows of tasks break .*uq_tasks_title: change them"):
        upgrade(on_postgres)

    assert shape_of(on_postgres) == before
    assert pending(on_postgres) == ["0099"]


def test_rows_without_a_value_that_becomes_required_are_one_sentence(
    on_postgres: Settings, write_migration: WriteMigration
) -> None:
    add_rows(engine_of(on_postgres), ["a"])
    before = shape_of(on_postgres)
    write_migration("0099", online("op.alter_column('tasks', 'description', nullable=False)"))

    with pytest.raises(UnfitRows, match=r"^tasks has rows without description: set it"):
        upgrade(on_postgres)

    assert shape_of(on_postgres) == before


def test_what_becomes_required_is_known_to_be_there_and_not_looked_for(
    on_postgres: Settings, write_migration: WriteMigration
) -> None:
    engine = engine_of(on_postgres)
    add_rows(engine, ["a"])
    with engine.begin() as connection:
        connection.execute(text(f"ALTER DATABASE {engine.url.database} SET client_min_messages = debug1"))
    up = ["op.fill_empty('tasks', 'description', 'd')", "op.alter_column('tasks', 'description', nullable=False)"]
    write_migration("0099", online("\n    ".join(up)))

    with notices() as heard:
        upgrade(on_postgres)

    proven = 'existing constraints on column "tasks.description" are sufficient to prove that it does not contain nulls'
    assert proven in heard


def test_no_statement_that_reads_all_rows_stops_a_writer(
    on_postgres: Settings, write_migration: WriteMigration
) -> None:
    ups = [change for name, change in (CHANGES | CHANGES_IN_BATCH).items() if name in SCANS]
    with engine_of(on_postgres).begin() as connection:
        connection.execute(text("ALTER TABLE tasks ADD COLUMN other_id bigint"))
    write_migration("0099", online("\n    ".join(ups)))

    with statements_of_migrations() as heard:
        upgrade(on_postgres)

    changes = [statement for statement in heard if re.match("ALTER TABLE|CREATE|DROP", statement)]
    assert [statement for statement in changes if not re.search(HARMLESS, statement)] == []
    assert len(changes) == 11


def test_what_is_left_of_an_index_is_built_anew(on_postgres: Settings, write_migration: WriteMigration) -> None:
    engine = engine_of(on_postgres)
    with engine.begin() as connection:
        connection.execute(text("CREATE INDEX ix_tasks_title ON tasks (user_id, title)"))
        connection.execute(text("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_tasks_title'::regclass"))
    write_migration("0099", online(CHANGES["index"]))

    upgrade(on_postgres)

    with engine.connect() as connection:
        assert unenforced_constraints(connection) == []


def test_what_would_be_stored_by_half_is_refused(on_postgres: Settings, write_migration: WriteMigration) -> None:
    write_migration("0099", f"op.execute('CREATE TABLE half_done (id int)')\n{online(CHANGES['index'])}")

    with pytest.raises(MigrationError, match="put them into a migration of their own"):
        upgrade(on_postgres)

    assert "half_done" not in inspect(engine_of(on_postgres)).get_table_names()


def test_what_follows_the_block_is_one_transaction(on_postgres: Settings, write_migration: WriteMigration) -> None:
    up = f"{online(CHANGES['index'])}\nop.execute('CREATE TABLE half_done (id int)')\nop.execute('nonsense')"
    write_migration("0099", up)

    with pytest.raises(Exception, match="nonsense"):
        upgrade(on_postgres)

    assert "half_done" not in inspect(engine_of(on_postgres)).get_table_names()
    assert "ix_tasks_title" in {index["name"] for index in inspect(engine_of(on_postgres)).get_indexes("tasks")}


def test_a_limit_of_the_role_ends_no_long_step(on_postgres: Settings, write_migration: WriteMigration) -> None:
    engine, slow = engine_of(on_postgres), "op.execute('SELECT pg_sleep(0.3)')"
    with engine.begin() as connection:
        connection.execute(text(f"ALTER DATABASE {engine.url.database} SET statement_timeout = '150ms'"))
    write_migration("0098", slow)
    write_migration("0099", online(slow))

    upgrade(on_postgres)

    assert pending(on_postgres) == []


def test_the_block_is_one_transaction_on_sqlite(sqlite_databases: Any, write_migration: WriteMigration) -> None:
    settings = settings_for_tests(sqlite_databases.fresh())
    write_migration("0099", f"{online(CHANGES['index'])}\nop.execute('nonsense')")

    with pytest.raises(Exception, match="nonsense"):
        upgrade(settings)

    assert drift(settings) == []

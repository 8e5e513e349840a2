"""What was done to a database's protections is read off the database; each is done in a transaction and taken back."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from app.core.data.connection.engine import database_url
from app.core.data.schema.engines import migration_engine
from app.core.data.schema.inspection import altered_protections, unenforced_constraints
from app.testing.databases import Databases, PostgresDatabases, SqliteDatabases


@pytest.fixture(scope="module")
def postgres_url(postgres: PostgresDatabases) -> str:
    return postgres.fresh()


@pytest.fixture
def connection(postgres_url: str) -> Iterator[Connection]:
    with migration_engine(database_url(postgres_url)).connect() as connection:
        yield connection


def found(connection: Connection) -> list[str]:
    return [*altered_protections(connection, SQLModel.metadata), *unenforced_constraints(connection)]


def test_what_the_migrations_make_is_in_order(databases: Databases) -> None:
    with migration_engine(database_url(databases.fresh())).connect() as connection:
        assert found(connection) == []


ANY = "current_setting('app.user_id', true)"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("ALTER TABLE tasks DISABLE ROW LEVEL SECURITY", "protect_owner('tasks') is missing or altered"),
        ("DROP POLICY tasks_owner ON tasks", "protect_owner('tasks')"),
        ("ALTER POLICY tasks_owner ON tasks USING (true)", "protect_owner('tasks')"),
        (f"ALTER POLICY tasks_owner ON tasks USING (user_id = {ANY} OR {ANY} = 'root')", "protect_owner('tasks')"),
        ("ALTER POLICY tasks_owner ON tasks WITH CHECK (true)", "protect_owner('tasks')"),
        ("ALTER POLICY tasks_owner ON tasks TO CURRENT_USER", "protect_owner('tasks')"),
        ("CREATE POLICY support ON projects USING (true)", "The policy support of projects can show rows"),
        ("ALTER TABLE tasks DISABLE TRIGGER tasks_owner_is_final", "protect_owner('tasks')"),
        ("DROP TRIGGER projects_owner_is_final ON projects", "protect_owner('projects')"),
        ("ALTER TABLE projects ADD CONSTRAINT pk_projects PRIMARY KEY (id)", "protect_owner('projects')"),
        ("CREATE INDEX mine ON projects (id, name)", "protect_owner('projects')"),
        ("ALTER TABLE projects REPLICA IDENTITY DEFAULT", "protect_owner('projects')"),
        (
            "CREATE OR REPLACE FUNCTION tasks_owner_is_final() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN RETURN NEW; END$$",
            "protect_owner('tasks')",
        ),
        (
            'DROP TRIGGER "CLEAR_tasks_project_id" ON projects',
            "clear_on_delete('tasks', 'project_id', 'projects', changed_at='updated_at')",
        ),
        (
            "ALTER TABLE tasks DROP CONSTRAINT fk_tasks_user_id_project_id, ADD CONSTRAINT fk_tasks_user_id_project_id "
            "FOREIGN KEY (user_id, project_id) REFERENCES projects (user_id, id) NOT VALID",
            "The constraint fk_tasks_user_id_project_id of tasks is not validated.",
        ),
        ("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_tasks_user_id_project_id'::regclass", "index"),
    ],
)
def test_what_was_altered_is_found(connection: Connection, statement: str, words: str) -> None:
    connection.execute(text(statement))

    (message,) = found(connection)
    assert words in message


def test_keys_that_are_switched_off_are_found(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE tasks DISABLE TRIGGER ALL"))

    assert "The foreign keys of tasks are disabled." in found(connection)


def test_a_policy_that_only_keeps_out_more_is_in_order(connection: Connection) -> None:
    connection.execute(text("CREATE POLICY less ON tasks AS RESTRICTIVE USING (completed)"))

    assert found(connection) == []


@pytest.mark.parametrize("replacement", [None, "BEGIN SELECT 1; END"])
def test_an_altered_trigger_is_found_on_sqlite_too(sqlite_databases: SqliteDatabases, replacement: str | None) -> None:
    with migration_engine(database_url(sqlite_databases.fresh())).connect() as connection:
        connection.execute(text("DROP TRIGGER tasks_owner_is_final"))
        if replacement:
            made = f"CREATE TRIGGER tasks_owner_is_final BEFORE UPDATE OF user_id ON tasks {replacement}"
            connection.execute(text(made))

        assert found(connection) == ["The protection of op.protect_owner('tasks') is missing or altered."]

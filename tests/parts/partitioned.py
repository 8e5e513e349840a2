"""A database whose owned tables are in partitions by the hash of their owners, made by hand as its owner would."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, ForeignKeyConstraint, text
from sqlalchemy.schema import AddConstraint
from sqlmodel import SQLModel

from app.core.data.connection.engine import database_url
from app.core.data.schema.engines import migration_engine
from app.core.data.schema.protections import protections_of

PARTITIONS: Final = tuple(f"{table}_p{number}" for table in ("projects", "tasks") for number in (0, 1))
_KEYS: Final = (
    "ALTER TABLE projects ADD CONSTRAINT uq_projects_user_id_id UNIQUE (user_id, id)",
    "ALTER TABLE tasks ADD CONSTRAINT uq_tasks_user_id_id UNIQUE (user_id, id)",
    "CREATE INDEX ix_tasks_user_id_project_id ON tasks (user_id, project_id)",
    "ALTER TABLE tasks ADD CONSTRAINT fk_tasks_user_id_project_id "
    "FOREIGN KEY (user_id, project_id) REFERENCES projects (user_id, id)",
)


def partition(owner_url: str, role: str | None = None) -> None:
    """Put the tables of a new database into partitions, and let the role use them."""
    with migration_engine(database_url(owner_url)).begin() as connection:
        protections = list(protections_of(SQLModel.metadata))
        _execute(connection, *(statement for p in reversed(protections) for statement in p.drop("postgresql")))
        for table in ("projects", "tasks"):
            _execute(
                connection,
                f"CREATE TABLE new_{table} (LIKE {table} INCLUDING DEFAULTS INCLUDING IDENTITY) "
                "PARTITION BY HASH (user_id)",
                *(
                    f"CREATE TABLE {table}_p{number} PARTITION OF new_{table} "
                    f"FOR VALUES WITH (MODULUS 2, REMAINDER {number})"
                    for number in (0, 1)
                ),
            )
        _execute(connection, "DROP TABLE tasks CASCADE", "DROP TABLE projects CASCADE")
        _execute(connection, *(f"ALTER TABLE new_{table} RENAME TO {table}" for table in ("projects", "tasks")), *_KEYS)
        for key in _keys_of_others():  # which went with the tables that they refer to
            connection.execute(AddConstraint(key, isolate_from_table=False))
        _execute(connection, *(statement for p in protections for statement in p.create("postgresql")))
        if role:
            _execute(connection, f'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "{role}"')
            _execute(connection, f'REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM "{role}"')


def _keys_of_others() -> Iterator[ForeignKeyConstraint]:
    for table in SQLModel.metadata.tables.values():
        if table.name not in {"projects", "tasks"}:
            yield from (k for k in table.foreign_key_constraints if k.referred_table.name in {"projects", "tasks"})


def _execute(connection: Connection, *statements: str) -> None:
    for statement in statements:
        connection.execute(text(statement))

"""Migrations: what they build is what the models say, on both databases, up, down and up again."""

import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Table, insert, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from app.core.data.connection.engine import database_url
from app.core.data.schema.autogenerate.scripts import make_migration
from app.core.data.schema.drift import drift
from app.core.data.schema.engines import migration_engine
from app.core.data.schema.inspection import altered_protections
from app.core.data.schema.migrations import downgrade, upgrade
from app.core.data.schema.plans import planned
from app.core.data.schema.quoting import quoted
from app.core.data.schema.revisions import pending
from app.core.data.tables.owned import OWNER_COLUMN, Owned
from app.core.data.tables.references import references_of
from app.core.data.tables.registry import owned_models, sorted_owned_models, table_name
from app.settings import MIGRATIONS_DIR, Settings
from app.testing.databases import settings_for_tests
from app.testing.factories import factory_of

# Migrations are the owner's: a role beside it changes nothing.
pytestmark = pytest.mark.quick_on("sqlite", "postgres")


def tables(settings: Settings) -> set[str]:
    engine = migration_engine(database_url(settings.database_url.get_secret_value()))
    return set(inspect(engine).get_table_names())


def test_a_migrated_database_is_what_the_models_say(settings: Settings) -> None:
    assert pending(settings) == []
    assert drift(settings) == []


def test_a_missing_column_is_drift(settings: Settings) -> None:
    columns = (column for model in owned_models() for column in model.__table__.columns)
    column = next(column for column in columns if column.nullable and not column.foreign_keys)
    table = cast("Table", column.table)
    with migration_engine(database_url(settings.database_url.get_secret_value())).begin() as connection:
        connection.execute(text(f"ALTER TABLE {quoted(table.name)} DROP COLUMN {quoted(column.name)}"))

    assert drift(settings)


def test_up_down_and_up_again(settings: Settings) -> None:
    owned = {str(model.__tablename__) for model in owned_models()}
    assert owned <= tables(settings)

    downgrade(settings, "base")
    assert not owned & tables(settings)
    assert pending(settings)

    upgrade(settings)
    assert drift(settings) == []


REVISIONS = [script.revision for script in planned(settings_for_tests("sqlite:////nowhere.db")).steps]


def add_rows(settings: Settings, user: str) -> None:
    """Store a row of each table that is there, with those of its factory's values for which there is a column."""
    engine = migration_engine(database_url(settings.database_url.get_secret_value()))
    there, ids = inspect(engine), dict[type[Owned], int]()
    for model in sorted_owned_models():
        table = table_name(model)
        if there.has_table(table):
            columns = {column["name"] for column in there.get_columns(table)}
            needed: dict[str, Any] = {
                each.column: ids[each.model] for each in references_of(model) if not each.nullable
            }
            row = factory_of(model).build(user_id=user, **needed).model_dump(exclude={"id"}, exclude_none=True)
            values = insert(model).values({name: value for name, value in row.items() if name in columns})
            with engine.begin() as connection:
                ids[model] = connection.execute(values.returning(model.__table__.c.id)).scalar_one()


def rows_of(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """The ids of all rows, and whose they are."""
    with migration_engine(database_url(settings.database_url.get_secret_value())).connect() as connection:
        names = [name for name in inspect(connection).get_table_names() if name != "alembic_version"]
        return {
            name: [tuple(row) for row in connection.execute(text(f"SELECT user_id, id FROM {name} ORDER BY id"))]
            for name in sorted(names)
        }


def test_each_migration_goes_up_down_and_up_with_rows(settings: Settings) -> None:
    downgrade(settings, "base")
    for before, revision in pairwise(["base", *REVISIONS]):
        had = rows_of(settings)
        upgrade(settings, revision)
        assert {name: rows for name, rows in rows_of(settings).items() if name in had} == had
        add_rows(settings, revision)
        downgrade(settings, before)
        kept = {name: rows for name, rows in rows_of(settings).items() if name in had}
        assert kept.keys() == had.keys()
        upgrade(settings, revision)
        assert {name: rows for name, rows in rows_of(settings).items() if name in had} == kept
        add_rows(settings, f"{revision} again")

    assert all(rows_of(settings).values())
    assert drift(settings) == []


@pytest.mark.parametrize("table", ["projects", "tasks"])
def test_a_database_of_before_keeps_its_rows_and_loses_the_key_on_ids_alone(settings: Settings, table: str) -> None:
    engine = migration_engine(database_url(settings.database_url.get_secret_value()))
    column = {"projects": "name", "tasks": "title"}[table]
    new = inspect(engine).get_pk_constraint(table), inspect(engine).get_unique_constraints(table)
    downgrade(settings, "0003")
    assert inspect(engine).get_pk_constraint(table)["constrained_columns"] == ["id"]
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO {table} (user_id, {column}) VALUES ('alice', 'a'), ('bob', 'b')"))

    upgrade(settings)

    assert (inspect(engine).get_pk_constraint(table), inspect(engine).get_unique_constraints(table)) == new
    assert new[0]["constrained_columns"] == ([] if engine.dialect.name == "postgresql" else ["id"])
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO {table} (user_id, {column}) VALUES ('bob', 'c')"))
        rows = connection.execute(text(f"SELECT id, user_id, {column} FROM {table} ORDER BY id")).all()
        assert rows == [(1, "alice", "a"), (2, "bob", "b"), (3, "bob", "c")]
        assert list(altered_protections(connection, SQLModel.metadata)) == []


def test_a_migration_that_fails_leaves_nothing_behind(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS_DIR, copy)
    monkeypatch.setattr("app.core.data.schema.configuration.MIGRATIONS_DIR", copy)
    broken = copy / "versions" / "9999_broken.py"
    head = sorted(path.name[:4] for path in broken.parent.glob("[0-9]*.py"))[-1]
    broken.write_text(
        f"from alembic import op\nrevision = '9999'\ndown_revision = '{head}'\nbranch_labels = depends_on = None\n"
        "def upgrade():\n    op.execute('CREATE TABLE half_done (id int)')\n    op.execute('nonsense')\n"
    )
    with pytest.raises(DBAPIError, match="nonsense"):
        upgrade(settings)

    assert "half_done" not in tables(settings)
    assert pending(settings) == ["9999"]


@pytest.mark.parametrize("name", ["50% a", "%(here)s", "ä b"])
def test_they_may_lie_in_any_folder(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shutil.copytree(MIGRATIONS_DIR, tmp_path / name)
    monkeypatch.setattr("app.core.data.schema.configuration.MIGRATIONS_DIR", tmp_path / name)

    downgrade(settings, "base")
    upgrade(settings)

    assert pending(settings) == []


def test_nothing_to_write_when_the_models_agree() -> None:
    assert make_migration("nothing") == []


@pytest.mark.parametrize("model", owned_models(), ids=lambda model: model.__name__)
def test_every_owned_table_has_its_access_path(model: type[Owned], settings: Settings) -> None:
    engine = migration_engine(database_url(settings.database_url.get_secret_value()))
    unique = inspect(engine).get_unique_constraints(str(model.__tablename__))

    assert [OWNER_COLUMN, "id"] in [constraint["column_names"] for constraint in unique]

"""Migrations more than the project has, in a copy of the folder that this process then uses."""

import shutil
from pathlib import Path

import pytest

from app.core.data.schema.autogenerate.scripts import make_migration
from app.core.data.schema.migrations import upgrade
from app.settings import MIGRATIONS_DIR, Settings
from app.testing.databases import Databases, settings_for_tests
from tests.core.data.schema.changes.rows import connect, fill
from tests.core.data.schema.changes.tables import models


@pytest.fixture
def settings(databases: Databases) -> Settings:
    """Settings for a migrated database of its own."""
    return settings_for_tests(databases.for_owner(databases.fresh()))


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The migrations of the product, and one that adds the noun."""
    folder = tmp_path_factory.mktemp("changes") / "migrations"
    shutil.copytree(MIGRATIONS_DIR, folder, ignore=shutil.ignore_patterns("__pycache__"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.core.data.schema.configuration.MIGRATIONS_DIR", folder)
        make_migration("notes", metadata=models())
    return folder


@pytest.fixture
def migrations(base: Path, made_before: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, in a folder of the test's own."""
    folder = tmp_path / "migrations"
    shutil.copytree(base, folder)
    monkeypatch.setattr("app.core.data.schema.configuration.MIGRATIONS_DIR", folder)
    return folder


@pytest.fixture(params=["sqlite_databases", "postgres"])
def filled(request: pytest.FixtureRequest, migrations: Path) -> Settings:
    """A database at the newest of these, with rows."""
    databases: Databases = request.getfixturevalue(request.param)
    settings = settings_for_tests(databases.fresh())
    upgrade(settings)
    with connect(settings) as connection:
        fill(connection, models())
    return settings

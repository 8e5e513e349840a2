"""Databases for backups, as the commands are told of them, and the programs of PostgreSQL."""

import asyncio
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import text

from app.asgi import create_app
from app.core.data.connection.engine import database_url
from app.core.data.schema.engines import migration_engine
from app.core.ops.checks import run_checks
from app.testing.databases import Databases
from tests.core.cli.conftest import Invoke
from tests.core.ops.checks.conftest import production
from tests.parts.dumps import dumped, fill
from tests.parts.programs import PATH

OBJECTS: Final = {
    "sqlite": "SELECT name FROM sqlite_master",
    "postgresql": "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
    " UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"
    " UNION ALL SELECT typname FROM pg_type WHERE typnamespace = current_schema()::regnamespace",
}


class Site:
    """A database, and how the commands are told of it."""

    def __init__(self, databases: Databases) -> None:
        self.url = databases.fresh()
        self.owner = databases.for_owner(self.url)
        self.settings = {"DATABASE_URL": self.url, "MIGRATION_DATABASE_URL": self.owner}

    def filled(self) -> "Site":
        """Store rows."""
        asyncio.run(fill(self.owner))
        return self

    def rows(self) -> list[bytes]:
        """All rows of everyone."""
        return asyncio.run(dumped(self.owner))

    def do(self, *statements: str) -> None:
        """Do something to it as its owner."""
        with migration_engine(database_url(self.owner)).begin() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def objects(self) -> set[str]:
        """The names of all that is in its schema."""
        with migration_engine(database_url(self.owner)).connect() as connection:
            return set(connection.execute(text(OBJECTS[connection.dialect.name])).scalars())

    def findings(self) -> list[str]:
        """What `app check --deploy` finds, where the settings are as they should be."""
        settings = production(self.url, migration_database_url=self.owner)
        return [finding.id for finding in asyncio.run(run_checks(settings, create_app, deploy=True))]


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs that the server comes with are found first."""
    monkeypatch.setenv("PATH", PATH)


@pytest.fixture
def site(databases: Databases) -> Site:
    return Site(databases).filled()


@pytest.fixture
def backup(invoke: Invoke, site: Site, tmp_path: Path) -> Path:
    path = tmp_path / "backups" / "a.backup"
    path.parent.mkdir()
    result = invoke("backup", str(path), **site.settings)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"wrote {path}: {path.stat().st_size} bytes of ")
    return path

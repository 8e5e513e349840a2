"""A migration more than the project has: written by a test, in a copy of the folder that this process then uses."""

import shutil
from pathlib import Path
from textwrap import indent
from typing import Protocol

import pytest

from app.core.data.schema.revisions import known_revisions
from app.settings import MIGRATIONS_DIR
from app.testing.databases import Databases


class WriteMigration(Protocol):
    """Writes a migration behind the newest, or behind the one that is named."""

    def __call__(self, revision: str, up: str, down: str = "pass", *, after: str | None = None) -> Path: ...


@pytest.fixture(scope="session")
def made_before(sqlite_databases: Databases, postgres: Databases) -> None:
    """The templates of all tests' databases are made with the product's own migrations, before a test has others."""


@pytest.fixture
def write_migration(made_before: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteMigration:
    """Write a migration with these statements."""
    copy = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS_DIR, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr("app.core.data.schema.configuration.MIGRATIONS_DIR", copy)

    def write(revision: str, up: str, down: str = "pass", *, after: str | None = None) -> Path:
        path = copy / "versions" / f"{revision}.py"
        path.write_text(
            f'"""{revision} of a test."""\n\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
            f"revision = {revision!r}\ndown_revision = {after or min(known_revisions().newest)!r}\n"
            "branch_labels = depends_on = None\n\n\n"
            f"def upgrade():\n{indent(up, '    ')}\n\n\ndef downgrade():\n{indent(down, '    ')}\n"
        )
        return path

    return write

"""Tables without HTTP: a battery, and a noun without controllers, are listed, migrated and filled like all others."""

import json
import sys
from pathlib import Path

import pytest

from tests.parts.checkout import Checkout

MODELS = '''"""Rows without HTTP."""

from sqlmodel import Field, SQLModel

from app.core.data.tables.field_types import NonBlankText
from app.core.data.tables.owned import Owned


class {name}Fields(SQLModel):
    """What a row holds."""

    text: NonBlankText = Field(max_length=50)


class {name}({name}Fields, Owned, table=True):
    """A row of one user."""

    __tablename__ = "{table}"
'''
FACTORIES = '''"""Rows for tests."""

from {package}.models import {name}
from app.testing.factories import RowFactory


class {name}Factory(RowFactory[{name}]):
    """A row of somebody."""
'''


def write(checkout: Checkout, package: str, name: str, table: str) -> None:
    folder = checkout.folder.joinpath(*package.split("."))
    folder.mkdir()
    (folder / "__init__.py").write_text(f'"""{name}."""\n')
    (folder / "models.py").write_text(MODELS.format(name=name, table=table))
    (folder / "factories.py").write_text(FACTORIES.format(name=name, package=package))


def list_both(path: Path) -> None:
    source = path.read_text()
    imports = "from app.batteries.outbox import models as outbox\nfrom app.links import models as links\n"
    source = source.replace("from app.core.http", imports + "from app.core.http", 1)
    path.write_text(source.replace("BATTERIES: tuple[ModuleType, ...] = ()", "BATTERIES = (outbox, links)"))


@pytest.mark.slow
def test_tables_without_http_are_installed_by_a_line(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "project")
    write(checkout, "app.batteries.outbox", "Message", "messages")
    write(checkout, "app.links", "Link", "links")

    refused = checkout.run(sys.executable, "-m", "app", "check")
    assert refused.returncode != 0
    assert "Add to INSTALLED or BATTERIES in app/installed.py, or remove: batteries.outbox, links" in refused.stdout

    list_both(checkout.folder / "app" / "installed.py")
    for command in ("makemigrations", "add_tables"), ("migrate",), ("check",), ("seed", "--user", "alice", "--yes"):
        checkout.python("app", *command)
    checkout.python("app", "dumpdata", "--output", "dump.jsonl")
    tables = {json.loads(line).get("table") for line in (checkout.folder / "dump.jsonl").read_text().splitlines()}
    assert {"messages", "links", "tasks"} <= tables
    checkout.python("pytest", "-q", "-n", "0", "tests/laws", "tests/core/data/repository/test_repository.py")

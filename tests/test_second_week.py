"""A product in its second week: its nouns change, and are renamed and removed, with rows there, on both databases."""

import re
import sys
from pathlib import Path

import pytest

from app.testing.databases import PostgresDatabases
from tests.parts.checkout import Checkout

STATE = '''class State(StrEnum):
    """Where an order is."""

    OPEN = "open"
    SENT = "sent"


class OrderFields'''


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "product")


@pytest.fixture(params=["sqlite", "postgres"])
def environment(request: pytest.FixtureRequest, postgres: PostgresDatabases) -> dict[str, str]:
    """An empty database: SQLite's is where the checkout has it."""
    return {"DATABASE_URL": postgres.empty()} if request.param == "postgres" else {}


def edit(path: Path, *changes: tuple[str, str]) -> None:
    """Replace texts of a file, each of which has to be there."""
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def findings(checkout: Checkout, environment: dict[str, str]) -> list[str]:
    """What the checks have to say of the database."""
    found = checkout.run(sys.executable, "-m", "app", "check", "--deploy", **environment).stdout
    return re.findall(r"^\w+: (data\.\w+.*)$", found, re.MULTILINE)


@pytest.mark.slow
def test_its_nouns_change_and_it_keeps_rows_and_protections(checkout: Checkout, environment: dict[str, str]) -> None:
    def app(*words: str) -> str:
        return checkout.python("app", *words, **environment)

    app("startapp", "orders", "title:str", "note:str?", "amount:int", "project:ref?")
    app("startapp", "people", "name:str", "order:ref?")
    app("migrate")
    app("seed", "--users", "2", "--per-user", "20", "--seed", "1", "--yes")

    models = checkout.folder / "app/orders/models.py"
    edit(
        models,
        ("title: NonBlankText", "headline: NonBlankText"),
        ('NonBlankText | None = text("Note.", max_length=200)', 'NonBlankText = text("Note.", max_length=100)'),
    )
    edit(
        models,
        ("class OrderFields", STATE),
        ("from app.core", "from enum import StrEnum\n\nfrom app.core"),
    )
    edit(models, ("    project_id:", "    starred: bool = False\n    state: State = State.OPEN\n    project_id:"))
    edit(models, ('on_delete="set null"', 'on_delete="cascade"'))
    edit(checkout.folder / "app/tasks/models.py", ("max_length=200", "max_length=300"))
    refused = checkout.run(sys.executable, "-m", "app", "makemigrations", "orders", **environment)
    assert "pass --rename orders.title=headline if it is the same" in refused.stderr
    said = app("makemigrations", "orders", "--rename", "orders.title=headline", "--default", "note=none")
    assert "renames orders.title to headline" in said
    app("migrate")
    assert findings(checkout, environment) == []

    edit(models, ('SENT = "sent"', 'SENT = "sent"\n    PAID = "paid in full"'))
    app("makemigrations", "paid")
    (checkout.folder / "app/people").rename(checkout.folder / "gone")
    edit(checkout.folder / "app/installed.py", *people(checkout))
    app("makemigrations", "no_people", "--allow-loss")
    app("migrate")
    assert findings(checkout, environment) == []
    dump = app("dumpdata")
    assert dump.count('"table":"orders"') == 40
    assert dump.count('"state":"open"') == dump.count('"starred":false') == 40

    app("migrate", "--to", "0006", "--yes")
    app("migrate")
    assert app("dumpdata") == dump
    app("makemigrations", "--check")
    checkout.python("pytest", "-q", "-n", "2", "tests/orders")


def people(checkout: Checkout) -> list[tuple[str, str]]:
    """What the list of nouns has of the one that goes."""
    lines = (checkout.folder / "app/installed.py").read_text().splitlines(keepends=True)
    return [(line, "") for line in lines if re.search("person|people", line, re.IGNORECASE)]

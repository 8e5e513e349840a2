"""The text of a noun, to the letter, and its two lines in `installed.py`."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.core.cli.scaffold.fields import parse_fields
from app.core.cli.scaffold.listing import with_controller, without_controller
from app.core.cli.scaffold.names import LONGEST_NAME, Noun
from app.core.cli.scaffold.texts import texts_of
from app.settings import BASE_DIR

EVERY_TYPE = (
    *("title:str:80", "body:text?", "pinned:bool", "stars:int", "score:float?", "day:date", "due:datetime?"),
    *("token:uuid", "project:ref"),
)
MODELS = '''\
"""The table of notes, and the fields that it shares with what crosses the wire."""

from uuid import UUID

from pydantic import FiniteFloat
from sqlalchemy import BigInteger, Text
from sqlmodel import Field, SQLModel

from app.core.data.tables.fields import BigIntKey, Day, Instant, NonBlankText, PlainText, RowId, SafeInt, Timestamped
from app.core.data.tables.owned import Owned, owned_table, reference


class NoteFields(SQLModel):
    """What a user says about one of the notes."""

    title: NonBlankText = Field(max_length=80)
    body: PlainText | None = Field(default=None, max_length=10000, sa_type=Text)
    pinned: bool = False
    stars: SafeInt = Field(sa_type=BigInteger)
    score: FiniteFloat | None = None
    day: Day
    due: Instant | None = None
    token: UUID
    project_id: RowId = Field(sa_type=BigIntKey)


class Note(Timestamped, NoteFields, Owned, table=True):
    """One of a user's notes."""

    __tablename__ = "notes"
    __table_args__ = owned_table(reference("project_id", "projects", on_delete="restrict"))
'''
CONTROLLERS = '''\
"""What is offered about notes, at /api/notes."""

from app.core.http.resource.controller import ResourceController
from app.notes.models import Note
from app.notes.schemas import NoteCreate, NoteUpdate


class NoteController(ResourceController[Note, NoteCreate, NoteUpdate]):
    """Your notes."""

    path = "/api/notes"
'''
NOTES = Noun("notes", "note", parse_fields(EVERY_TYPE, {"project": "projects"}))


def test_a_noun_is_what_one_would_write_by_hand() -> None:
    texts = texts_of(NOTES)

    assert texts["app/notes/models.py"] == MODELS
    assert texts["app/notes/controllers.py"] == CONTROLLERS
    assert list(texts) == [
        "app/notes/__init__.py",
        *(f"app/notes/{name}.py" for name in ("models", "schemas", "controllers", "factories")),
        "tests/notes/test_controllers.py",
    ]


def test_a_noun_costs_about_forty_lines() -> None:
    written = "\n".join(text for path, text in texts_of(NOTES).items() if path.startswith("app/"))

    assert sum(1 for line in written.splitlines() if line.strip()) <= 50


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("name:str?", "name: NonBlankText | None = Field(default=None, max_length=200)"),
        ("body:text", "body: PlainText = Field(max_length=10000, sa_type=Text)"),
        ("body:text:500?", "body: PlainText | None = Field(default=None, max_length=500, sa_type=Text)"),
        ("done:bool?", "done: bool | None = None"),
        ("stars:int?", "stars: SafeInt | None = Field(default=None, sa_type=BigInteger)"),
        ("project:ref?", "project_id: RowId | None = Field(default=None, sa_type=BigIntKey)"),
    ],
)
def test_what_may_be_empty_is_none_until_it_is_said(word: str, line: str) -> None:
    assert parse_fields([word], {"project": "projects"})[0].line == line


def test_several_references_and_long_names_are_wrapped() -> None:
    words = ("project:ref?", "task:ref")
    noun = Noun("line_item_attachments", "line_item_attachment", parse_fields(words, {"project": "p", "task": "t"}))
    texts = texts_of(noun)

    assert texts["app/line_item_attachments/models.py"].endswith(
        """\
    __table_args__ = owned_table(
        reference("project_id", "p", on_delete="set null"),
        reference("task_id", "t", on_delete="restrict"),
    )
"""
    )
    assert 'path = "/api/line-item-attachments"' in texts["app/line_item_attachments/controllers.py"]
    assert max(len(line) for text in texts.values() for line in text.splitlines()) <= 120


def test_the_longest_names_are_laid_out_as_the_formatter_does_it(tmp_path: Path) -> None:
    several, one, target = ("s" * LONGEST_NAME, "o" * LONGEST_NAME, "t" * 37)
    words = [f"{'f' * (LONGEST_NAME - 1)}{number}:{kind}" for number, kind in enumerate(("str?", "text:1000000?"))]
    noun = Noun(several, one, parse_fields([*words, f"{target}:ref"], {target: several}))
    for name, text in texts_of(noun).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        assert max(len(line) for line in text.splitlines()) <= 120

    words_of_ruff = ("ruff", "format", "--check", "--config", str(BASE_DIR / "pyproject.toml"), str(tmp_path))
    formatted = subprocess.run([sys.executable, "-m", *words_of_ruff], capture_output=True, text=True, check=False)
    assert formatted.returncode == 0, formatted.stdout


@pytest.mark.parametrize(
    ("noun", "name"), [("apples", "AppleController"), ("notes", "NoteController"), ("zebras", "ZebraController")]
)
def test_a_controller_is_listed_and_taken_out_again(noun: str, name: str) -> None:
    source = (BASE_DIR / "app" / "installed.py").read_text()
    module = f"app.{noun}.controllers"
    listed = with_controller(source, module, name)
    imports = [line for line in listed.splitlines() if line.startswith("from app.")]

    assert imports == sorted([f"from {module} import {name}", *(i for i in imports if name not in i)])
    assert f"    {name},\n)\n" in listed
    assert without_controller(listed, module, name) == source


@pytest.mark.parametrize(
    ("listed", "then"),
    [
        ("INSTALLED = (A, B)\n", "INSTALLED = (\n    A,\n    B,\n    C,\n)\n"),
        ("INSTALLED: tuple[X, ...] = ()\n", "INSTALLED: tuple[X, ...] = (\n    C,\n)\n"),
        ("INSTALLED = [A]  # all\n", "INSTALLED = [\n    A,\n    C,\n]  # all\n"),
    ],
)
def test_a_list_in_another_form_is_understood(listed: str, then: str) -> None:
    assert with_controller(listed, "app.c.controllers", "C") == f"from app.c.controllers import C\n{then}"

"""The text of a noun, to the letter, and its two lines in `installed.py`."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from app.core.cli.scaffold.fields import parse_fields
from app.core.cli.scaffold.installed import MARKER, add_controller, remove_controller
from app.core.cli.scaffold.names import MAX_NAME, Noun
from app.core.cli.scaffold.templates import render
from app.settings import BASE_DIR

EVERY_TYPE = (
    *("title:str:80", "body:text?", "pinned:bool", "stars:int", "score:float?", "day:date", "due:datetime?"),
    *("token:uuid", "project:ref"),
)
MODELS = '''\
"""The table of notes, and the fields that it shares with its schemas."""

from app.core.data.tables import (
    UUID,
    Day,
    Fields,
    FiniteFloat,
    Instant,
    NonBlankText,
    Owned,
    PlainText,
    RowId,
    SafeInt,
    Timestamped,
    flag,
    instant,
    integer,
    long_text,
    number,
    ref,
    text,
    uuid,
)
from app.core.data.tables import day as day_field


class NoteFields(Fields):
    """The fields of notes that a client can set."""

    title: NonBlankText = text("Title.", max_length=80)
    body: PlainText | None = long_text("Body.", max_length=10000)
    pinned: bool = flag("Whether it is pinned.")
    stars: SafeInt = integer("Stars.")
    score: FiniteFloat | None = number("Score.")
    day: Day = day_field("Day.")
    due: Instant | None = instant("Due.")
    token: UUID = uuid("Token.")
    project_id: RowId = ref("projects", "The project that it belongs to.", on_delete="restrict")


class Note(Timestamped, NoteFields, Owned, table=True):
    """One of a user's notes."""

    __tablename__ = "notes"
'''
CHOICES = '''\
"""The table of notes, and the fields that it shares with its schemas."""

from enum import StrEnum

from app.core.data.tables import Decimal, Email, Fields, JsonObject, Owned, Timestamped, choice, decimal, json, text


class NoteState(StrEnum):
    """The values of a note state."""

    OPEN = "open"
    DONE = "done"


class NoteHowMuch(StrEnum):
    """The values of a note how much."""

    LOW = "low"
    VERY_HIGH = "very_high"


class NoteFields(Fields):
'''
LINES = """
    state: NoteState | None = choice("State.")
    how_much: NoteHowMuch = choice("How much.", ranks={NoteHowMuch.LOW: 10, NoteHowMuch.VERY_HIGH: 20})
    price: Decimal = decimal("Price.", scale=2)
    extra: JsonObject = json("Extra.")
    mail: Email = text("Mail.", max_length=254)
"""
CONTROLLERS = '''\
"""The REST API of notes, at /api/notes."""

from app.core.http.resource.controller import ResourceController
from app.notes.models import Note
from app.notes.schemas import NoteCreate, NoteUpdate


class NoteController(ResourceController[Note, NoteCreate, NoteUpdate]):
    """Your notes."""

    path = "/api/notes"
'''
RANKED = "ranked:low,normal,high,highest"
NOTES = Noun("notes", "note", parse_fields(EVERY_TYPE, {"project": "projects"}))


def test_a_noun_is_what_one_would_write_by_hand() -> None:
    texts = render(NOTES)

    assert texts["app/notes/models.py"] == MODELS
    assert texts["app/notes/controllers.py"] == CONTROLLERS
    assert list(texts) == [
        "app/notes/__init__.py",
        *(f"app/notes/{name}.py" for name in ("models", "schemas", "controllers", "factories")),
        "tests/notes/test_controllers.py",
    ]


def test_a_choice_is_an_enum_of_its_own() -> None:
    words = ("state:choice:open,done?", "how_much:ranked:low,very_high", "price:decimal:2", "extra:json", "mail:email")
    models = render(Noun("notes", "note", parse_fields(words, {})))["app/notes/models.py"]

    assert models.startswith(CHOICES)
    assert LINES in models


def test_a_noun_costs_about_forty_lines() -> None:
    words = ("title:str:200", "body:text?", "pinned:bool", "due:datetime?", "project:ref")
    texts = render(Noun("notes", "note", parse_fields(words, {"project": "projects"})))
    written = "\n".join(text for path, text in texts.items() if path.startswith("app/"))

    assert sum(1 for line in written.splitlines() if line.strip()) <= 45


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("name:str?", 'name: NonBlankText | None = text("Name.", max_length=200)'),
        ("body:text", 'body: PlainText = long_text("Body.", max_length=10000)'),
        ("body:text:500?", 'body: PlainText | None = long_text("Body.", max_length=500)'),
        ("done:bool?", 'done: bool | None = flag("Whether it is done.", default=None)'),
        ("stars:int?", 'stars: SafeInt | None = integer("Stars.")'),
        (
            "project:ref?",
            'project_id: RowId | None = ref("projects", "The project that it belongs to.", on_delete="set null")',
        ),
    ],
)
def test_what_may_be_empty_is_none_until_it_is_said(word: str, line: str) -> None:
    assert parse_fields([word], {"project": "projects"})[0].line() == line


def test_the_longest_names_are_laid_out_as_the_formatter_does_it(tmp_path: Path) -> None:
    several, one, target = ("s" * MAX_NAME, "o" * MAX_NAME, "t" * 37)
    words = [f"{'f' * (MAX_NAME - 1)}{number}:{kind}" for number, kind in enumerate(("str?", "text:1000000?"))]
    words += [f"rank:{RANKED}", f"other:{RANKED},{'v' * 30}?", f"third:{RANKED},{','.join('abcdef')}"]
    noun = Noun(several, one, parse_fields([*words, f"{target}:ref"], {target: several}))
    for name, text in render(noun).items():
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
    listed = add_controller(source, module, name)
    imports = [line for line in listed.splitlines() if line.startswith("from app.")]

    assert imports == sorted([f"from {module} import {name}", *(i for i in imports if name not in i)])
    assert f"    {name},\n{MARKER}\n)\n" in listed
    assert remove_controller(listed, module, name) == source


def test_numbers_in_names_are_sorted_as_the_linter_sorts_them() -> None:
    source = f"from app.a.x import A\nfrom app.b10.x import B\n\nINSTALLED = (\n    A,\n    B,\n{MARKER}\n)\n"

    listed = add_controller(source, "app.b2.x", "C")
    assert listed == (
        "from app.a.x import A\nfrom app.b2.x import C\nfrom app.b10.x import B\n\n"
        f"INSTALLED = (\n    A,\n    B,\n    C,\n{MARKER}\n)\n"
    )
    assert remove_controller(listed, "app.b2.x", "C") == source


def test_without_the_mark_nothing_is_listed() -> None:
    with pytest.raises(
        click.ClickException, match=r"^app/installed.py lacks the line .*; put it at the end of INSTALLED"
    ):
        add_controller("INSTALLED = (A, B)\n", "app.c.controllers", "C")

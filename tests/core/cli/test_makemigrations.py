"""`app makemigrations`: it writes a file only if there is something to write and a name to write it under."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import BigInteger, Column, Integer, MetaData, Table
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from app.core.cli import makemigrations
from app.core.data.schema.autogenerate.scripts import make_migration
from app.core.data.tables.choices import Choice
from app.core.data.tables.indexes import reference
from app.settings import BASE_DIR
from tests.core.cli.conftest import Invoke
from tests.core.conftest import WriteMigration
from tests.core.data.schema.changes.kinds import State
from tests.core.data.schema.changes.tables import alter
from tests.parts.history import NEWEST, NEXT, NEXT_BUT_ONE
from tests.parts.serving import BARE


def written() -> set[Path]:
    return set((BASE_DIR / "migrations" / "versions").glob("*.py"))


@pytest.mark.parametrize(
    "name", ["", "Add", "add-due", "add due", "1st", "_x", "a/b", "../x", "täglich", "a\n", "a.py"]
)
def test_a_name_that_is_no_file_name_is_refused(invoke: Invoke, name: str) -> None:
    before = written()

    result = invoke("makemigrations", name)

    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == (
        "Error: Invalid value for NAME: write it in lower case, like add_due_date"
    )
    assert written() == before


def test_a_name_is_required(invoke: Invoke) -> None:
    assert invoke("makemigrations").exit_code == 2


def test_a_bad_setting_is_one_line(invoke: Invoke) -> None:
    result = invoke("makemigrations", "add_due_date", LOG_LEVEL="zebra")

    assert result.exit_code == 1
    assert result.stderr == "Error: LOG_LEVEL should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'\n"


def test_where_the_models_agree_nothing_is_written_and_no_database_is_needed(tmp_path: Path) -> None:
    """In a process of its own: tables that other tests define would be new ones here."""
    before = written()

    result = subprocess.run(
        [sys.executable, "-m", "app", "makemigrations", "nothing_new"],
        cwd=BASE_DIR,
        env=BARE | {"DATABASE_URL": "postgresql://x@127.0.0.1:1/x"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "the models agree with the migrations: nothing to write\n"
    assert written() == before


def test_the_check_says_that_nothing_is_missing(invoke: Invoke) -> None:
    result = invoke("makemigrations", "--check")

    assert result.exit_code == 0
    assert "nothing to write" in result.output


def test_the_check_finds_a_model_that_no_migration_makes(invoke: Invoke) -> None:
    table = Table("not_migrated", SQLModel.metadata, Column("id", Integer, primary_key=True))
    try:
        result = invoke("makemigrations", "--check")
    finally:
        SQLModel.metadata.remove(table)

    assert result.exit_code == 1
    assert "makemigrations NAME" in result.output


def test_two_newest_migrations_are_joined(invoke: Invoke, write_migration: WriteMigration) -> None:
    first = write_migration(NEXT, "op.execute('CREATE TABLE a (id int)')", after=NEWEST)
    second = first.with_name(f"{NEXT}_other.py")
    second.write_text(first.read_text().replace("TABLE a", "TABLE b"))

    result = invoke("makemigrations", "--merge")

    assert result.exit_code == 0
    assert result.stdout.endswith(f"wrote {first.with_name(f'{NEXT_BUT_ONE}_merge.py')}\n")
    assert f"revision = '{NEXT}_other'" in second.read_text()
    said = invoke("migrate").stdout
    assert f"applied {NEXT_BUT_ONE} (merge) in " in said
    assert f"applied {NEXT}_other (" in said
    assert invoke("makemigrations", "--merge").stdout == "there is only one newest migration: nothing to merge\n"


def test_migrations_of_a_name_that_another_follows_are_left_to_their_author(
    invoke: Invoke, write_migration: WriteMigration
) -> None:
    first = write_migration(NEXT, "pass", after=NEWEST)
    first.with_name(f"{NEXT}_other.py").write_text(first.read_text())
    write_migration(NEXT_BUT_ONE, "pass", after=NEXT)

    result = invoke("makemigrations", "--merge")

    expected = (
        f"{NEXT_BUT_ONE}.py follows {NEXT}, which is {NEXT}.py or {NEXT}_other.py: change the revision of one of them"
        " by hand"
    )
    assert (result.exit_code, result.stderr) == (1, f"Error: {expected}\n")


@pytest.fixture
def changed(write_migration: WriteMigration, monkeypatch: pytest.MonkeyPatch) -> MetaData:
    """The product's tables, which a test changes; the command writes into a copy of the migrations."""
    metadata = MetaData(naming_convention=SQLModel.metadata.naming_convention)
    for table in SQLModel.metadata.tables.values():
        table.to_metadata(metadata)
    monkeypatch.setattr(makemigrations, "make_migration", partial(make_migration, metadata=metadata))
    return metadata


def rename_title(metadata: MetaData) -> None:
    alter(metadata, "tasks", columns={"title": Column("headline", AutoString(200), nullable=False)})


def swap_names(metadata: MetaData) -> None:
    """Nothing differs then but what the fields mean."""


def require_rate(metadata: MetaData) -> None:
    alter(metadata, "tasks", Column("rate", Integer, nullable=False))


def require_state(metadata: MetaData) -> None:
    alter(metadata, "tasks", Column("state", Choice(State), nullable=False))


def drop_description(metadata: MetaData) -> None:
    alter(metadata, "tasks", drop=("description",))


def require_parent(metadata: MetaData) -> None:
    parent = reference("parent_id", "tasks", on_delete="cascade")
    alter(metadata, "tasks", Column("parent_id", BigInteger, nullable=False), *parent)


RENAME = "tasks.title is gone and headline is new: pass --rename tasks.title=headline if it is the same, --allow-loss"
Change = Callable[[MetaData], None]


@pytest.mark.parametrize(
    ("change", "options", "sentence"),
    [
        (rename_title, [], f"{RENAME} if its values may be lost"),
        (
            rename_title,
            ["--rename", "tasks.title=name"],
            "tasks.headline is required: pass --default tasks.headline=VALUE for the rows that exist",
        ),
        (
            rename_title,
            ["--rename", "tasks.title=headlin", "--allow-loss", "--default", "headline=x"],
            "--rename tasks.title=",
        ),
        (swap_names, ["--rename", "tasks.title=description"], "--rename tasks.title=description does not fit"),
        (require_rate, [], "tasks.rate is required: pass --default tasks.rate=VALUE for the rows that exist"),
        (require_rate, ["--default", "rate=high"], "'high' is not a valid value for tasks.rate"),
        (
            require_rate,
            ["--default", "rat=1"],
            "tasks.rate is required: pass --default tasks.rate=VALUE for the rows that exist",
        ),
        (
            require_rate,
            ["--default", "rate=1", "--default", "tasks.rat=1"],
            "no change of tasks.rat needs an answer",
        ),
        (require_state, ["--default", "state=sent"], "'sent' is not a valid value for tasks.state"),
        (drop_description, [], "drops tasks.description and its values: pass --allow-loss to accept this"),
        (drop_description, ["--allow-loss", "--rename", "x=y"], "--rename x=y does not fit: x must be gone"),
        (require_parent, [], "tasks.parent_id is required and refers to other rows, so no value fits"),
    ],
)
def test_what_only_its_author_knows_is_asked_for(
    invoke: Invoke, changed: MetaData, change: Change, options: list[str], sentence: str
) -> None:
    change(changed)

    result = invoke("makemigrations", "change", *options)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {sentence}")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "options", "sentences"),
    [
        (rename_title, ["--rename", "tasks.title=headline"], ["renames tasks.title to headline"]),
        (rename_title, ["--rename", "title=headline"], ["renames tasks.title to headline"]),
        (require_rate, ["--default", "rate=3"], ["adds tasks.rate, 3 in the rows that exist"]),
        (require_rate, ["--empty", "tasks"], ["adds tasks.rate"]),
        (drop_description, ["--allow-loss"], ["drops tasks.description and its values"]),
    ],
)
def test_with_its_answers_the_migration_is_written_and_read_back(
    invoke: Invoke, changed: MetaData, change: Change, options: list[str], sentences: list[str]
) -> None:
    change(changed)

    result = invoke("makemigrations", "change", *options)

    assert (result.exit_code, result.stderr) == (0, "")
    first, *others = result.stdout.splitlines()
    assert first.endswith(f"{NEXT}_change.py:")
    assert [line.strip() for line in others] == sentences


@pytest.mark.parametrize(
    ("change", "typed", "sentence"),
    [
        (rename_title, "y\n", "renames tasks.title to headline"),
        (require_rate, "5\n", "adds tasks.rate, 5 in the rows that exist"),
        (drop_description, "y\n", "drops tasks.description and its values"),
    ],
)
def test_at_a_terminal_the_questions_are_asked(
    changed: MetaData, monkeypatch: pytest.MonkeyPatch, change: Change, typed: str, sentence: str
) -> None:
    change(changed)
    monkeypatch.setattr(makemigrations, "is_terminal", lambda: True)

    result = CliRunner().invoke(makemigrations.command, ["change"], input=typed)

    assert result.exit_code == 0
    assert sentence in result.stdout


def test_a_rename_that_is_denied_is_a_loss_that_is_asked_for(
    changed: MetaData, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename_title(changed)
    monkeypatch.setattr(makemigrations, "is_terminal", lambda: True)

    result = CliRunner().invoke(makemigrations.command, ["change"], input="n\nnone\nn\n")

    assert result.exit_code == 1
    assert "drops tasks.title and its values" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "example"), [(["--rename", "x"], "notes.color=colour"), (["--default", "=3"], "priority=0")]
)
def test_an_answer_that_is_no_pair_is_refused(invoke: Invoke, options: list[str], example: str) -> None:
    result = invoke("makemigrations", "change", *options)

    assert result.exit_code == 2
    assert f"write it like {example}" in result.stderr

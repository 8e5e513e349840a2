"""`app makemigrations`: it writes a file only if there is something to write and a name to write it under."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, Table
from sqlmodel import SQLModel

from app.settings import BASE_DIR
from tests.core.cli.conftest import Invoke
from tests.core.conftest import WriteMigration
from tests.serving import BARE


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
    assert result.stdout == "the models are as the migrations make them: nothing to write\n"
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
    first = write_migration("0005", "op.execute('CREATE TABLE a (id int)')", after="0004")
    second = first.with_name("0005_other.py")
    second.write_text(first.read_text().replace("TABLE a", "TABLE b"))

    result = invoke("makemigrations", "--merge")

    assert result.exit_code == 0
    assert result.stdout.endswith(f"wrote {first.with_name('0006_merge.py')}\n")
    assert "revision = '0005_other'" in second.read_text()
    said = invoke("migrate").stdout
    assert "applied 0006 (merge) in " in said
    assert "applied 0005_other (" in said
    assert invoke("makemigrations", "--merge").stdout == "one migration is the newest: nothing to merge\n"


def test_migrations_of_a_name_that_another_follows_are_left_to_their_author(
    invoke: Invoke, write_migration: WriteMigration
) -> None:
    first = write_migration("0005", "pass", after="0004")
    first.with_name("0005_other.py").write_text(first.read_text())
    write_migration("0006", "pass", after="0005")

    result = invoke("makemigrations", "--merge")

    expected = "0006.py follows 0005, which is 0005.py or 0005_other.py: give one another revision by hand"
    assert (result.exit_code, result.stderr) == (1, f"Error: {expected}\n")

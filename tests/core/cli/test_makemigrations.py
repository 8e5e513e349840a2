"""`app makemigrations`: it writes a file only if there is something to write and a name to write it under."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, Table
from sqlmodel import SQLModel

from app.settings import BASE_DIR
from tests.core.cli.conftest import Invoke
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

"""The commands, called in this process: with settings of their own, and with nothing kept from call to call."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from click.testing import CliRunner, Result

from app.__main__ import main
from app.settings import load_settings
from app.testing.databases import SECRET


class Invoke(Protocol):
    """Calls `app` with arguments; settings in upper case change the environment for this call."""

    def __call__(self, *arguments: str, **environment: str) -> Result: ...


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where the commands have their SQLite file; neither it nor its folder is there yet."""
    return tmp_path / "new" / "app.db"


@pytest.fixture
def invoke(database: Path) -> Iterator[Invoke]:
    """Call `app` as the shell does: all that it says and its exit code come back, and no exception gets out."""
    given = {"DATABASE_URL": f"sqlite:///{database}", "BETTER_AUTH_SECRET": SECRET}

    def call(*arguments: str, **environment: str) -> Result:
        load_settings.cache_clear()
        return CliRunner().invoke(main, arguments, env=given | environment, prog_name="app")

    yield call
    load_settings.cache_clear()

"""The environment of the tests: that of whoever runs them decides nothing."""

import os
from pathlib import Path
from typing import Final

import pytest

from app.core.cli.run import command as run
from app.settings import Settings
from app.testing.databases import PostgresDatabases
from app.testing.environment import remove_settings
from tests.parts.checkout import Checkout

OPTIONS: Final = [str(option.envvar) for option in run.params if option.envvar]
SETTINGS: Final = [name for setting in Settings.model_fields for name in (setting.upper(), setting)]
HOSTILE: Final = dict.fromkeys([*SETTINGS, *OPTIONS], "zebra")
# Where settings are read, where processes are started, and where the application serves.
TESTED: Final = (
    *("tests/core/auth", "tests/core/cli", "tests/core/ops/checks", "tests/core/ops/server", "tests/tasks"),
    *("tests/core/data/schema/test_migrations.py", "tests/settings", "tests/test_asgi.py"),
)


def test_no_setting_is_left_in_any_spelling(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in HOSTILE:
        monkeypatch.setenv(name, "zebra")
    monkeypatch.delenv("PYTHON_DOTENV_DISABLED")

    remove_settings()

    assert "PORT" in HOSTILE
    assert set(HOSTILE) & set(os.environ) == set()
    assert os.environ["PYTHON_DOTENV_DISABLED"] == "1"


@pytest.mark.slow
def test_the_suite_passes_whatever_a_developer_has_set(tmp_path: Path, postgres: PostgresDatabases) -> None:
    checkout = Checkout(tmp_path / "copy")
    (checkout.folder / ".env").write_text("".join(f"{name}=zebra\n" for name in SETTINGS))
    server = {"TEST_DATABASE_URL": postgres.fresh()}

    said = checkout.python("pytest", "-q", "-n", "2", "--db", "sqlite", *TESTED, **HOSTILE, **server)

    assert " passed" in said

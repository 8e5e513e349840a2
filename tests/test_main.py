"""The `app` command itself: it lists the commands, and is quick about it."""

import importlib
import pkgutil
import subprocess
import sys
from importlib.metadata import entry_points
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner

import app.core.cli
from app.__main__ import COMMANDS, main
from app.settings import BASE_DIR

ASK = """
import sys
from app.__main__ import main
main(["--help"], standalone_mode=False)
print([name for name in ("litestar", "sqlalchemy", "sqlmodel", "pydantic", "alembic") if name in sys.modules])
"""


def test_every_command_is_listed_and_every_listed_one_is_there() -> None:
    modules = (importlib.import_module(f"app.core.cli.{m.name}") for m in pkgutil.iter_modules(app.core.cli.__path__))
    commands = {module.__name__.rpartition(".")[2] for module in modules if hasattr(module, "command")}

    assert {name.replace("-", "_") for name in COMMANDS} == commands


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], []])
def test_help_lists_all_commands_with_what_they_do(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments)

    assert result.exit_code == (0 if arguments else 2)
    shown = " ".join(result.output.split())
    for name, summary in COMMANDS.items():
        assert f"{name} {summary}" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_is_named_like_its_file(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"], prog_name="app")
    command = main.get_command(click.Context(main), name)

    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: app {name} ")
    assert command is not None
    assert command.name == name
    assert command.help
    for option in command.params:
        assert isinstance(option, click.Argument) or getattr(option, "help", None), f"{option.name} has no help"


def test_help_imports_no_framework() -> None:
    result = subprocess.run(  # our own command
        [sys.executable, "-c", ASK], cwd=BASE_DIR, capture_output=True, text=True, timeout=30, check=True
    )

    assert result.stdout.splitlines()[-1] == "[]"


def test_an_unknown_command_is_an_error_and_imports_nothing_of_that_name() -> None:
    for name in ("nonsense", "failures", "__init__", "..data.engine"):
        result = CliRunner().invoke(main, [name], prog_name="app")

        assert result.exit_code == 2
        assert result.output.splitlines()[-1] == f"Error: No such command '{name}'."


def test_the_package_installs_it_as_app() -> None:
    (script,) = entry_points(group="console_scripts", name="app")

    assert script.load() is main


@pytest.mark.parametrize("command", COMMANDS)
def test_windows_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setattr("app.__main__.sys", SimpleNamespace(platform="win32"))
    result = CliRunner().invoke(main, [command])

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: this program needs a POSIX system; use Linux, macOS or, on Windows, WSL\n"

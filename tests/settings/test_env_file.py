"""`.env`: a value is taken as it stands, and where Node's dotenv reads another one, that is known."""

import json
import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from app.settings import InvalidSettings, Settings, load_settings
from tests.parts.npm import install_packages
from tests.settings.environments import STRONG

NAME: Final = "BETTER_AUTH_SECRET"
# A line of the file, with X for a secret, and what both read in it.
ALIKE: Final = {
    "no quotes": (f"{NAME}=X", "X"),
    "single quotes": (f"{NAME}='X'", "X"),
    "double quotes": (f'{NAME}="X"', "X"),
    "a dollar": (f"{NAME}=X$HOME$$", "X$HOME$$"),
    "a variable": (f"{NAME}=X${{HOME}}", "X${HOME}"),
    "a variable in single quotes": (f"{NAME}='X${{HOME}}'", "X${HOME}"),
    "a variable in double quotes": (f'{NAME}="X${{HOME}}"', "X${HOME}"),
    "a variable of the same file": (f"HOME2=y\n{NAME}=X${{HOME2}}", "X${HOME2}"),
    "a variable with a default": (f"{NAME}=X${{HOME:-y}}", "X${HOME:-y}"),
    "a command": (f"{NAME}=X$(id)`id`", "X$(id)`id`"),
    "a percent sign": (f"{NAME}=X%20%%", "X%20%%"),
    "a backslash": (rf"{NAME}=X\n\$\\", r"X\n\$\\"),
    "a backslash at the end": (f"{NAME}=X\\\nLOG_LEVEL=INFO", "X\\"),
    "a backslash in single quotes": (rf"{NAME}='X\n'", r"X\n"),
    "a line break in double quotes": (rf'{NAME}="X\nX"', "X\nX"),
    "a value of two lines": (f"{NAME}='X\nX'", "X\nX"),
    "equals signs, as base64 has them": (f"{NAME}=X/+==", "X/+=="),
    "quotes inside": (f"{NAME}=X'\"X", "X'\"X"),
    "a quote at the end": (f"{NAME}=X'", "X'"),
    "the other quotes inside": (f"{NAME}='X\"X'", 'X"X'),
    "spaces inside": (f"{NAME}=X  X", "X  X"),
    "spaces around": (f"  {NAME}  =  X  \t", "X"),
    "export": (f"export {NAME}=X", "X"),
    "a comment": (f"{NAME}=X # X", "X"),
    "a comment behind quotes": (f"{NAME}='X' # X", "X"),
    "a comment close behind quotes": (f"{NAME}='X'#X", "X"),
    "a number sign in single quotes": (f"{NAME}='X # X#'", "X # X#"),
    "a number sign in double quotes": (f'{NAME}="X # X#"', "X # X#"),
    "not ASCII": (f"{NAME}=XÄ🐟", "XÄ🐟"),
    "line ends of Windows": (f"A=b\r\n{NAME}=X\r\nC=d\r\n", "X"),
    "a mark of the encoding": (f"\ufeff{NAME}=X", "X"),
    "two lines, the last of which holds": (f"{NAME}=XX\n{NAME}=X", "X"),
    "nothing": (f"{NAME}=", ""),
    "nothing in quotes": (f"{NAME}=''", ""),
    "a comment alone": (f"{NAME}= # X", ""),
    "a line that takes it back": (f"{NAME}=X\n{NAME}=", ""),
    "a line without a value": (f"{NAME}", ""),
    "a comment with a setting": (f"# {NAME}=X", ""),
}
# A line, what this project reads, and what Node's dotenv reads.
DIFFERENT: Final = {
    "a number sign without quotes": (f"{NAME}=X#X", "X#X", "X"),
    "backticks": (f"{NAME}=`X`", "`X`", "X"),
    "two backslashes in single quotes": (rf"{NAME}='X\\'", "X\\", r"X\\"),
    "two backslashes in double quotes": (rf'{NAME}="X\\"', "X\\", r"X\\"),
    "a quote behind a backslash in single quotes": (rf"{NAME}='X\'X'", "X'X", r"X\'X"),
    "a quote behind a backslash in double quotes": (rf'{NAME}="X\"X"', 'X"X', r"X\"X"),
    "a tabulator in double quotes": (rf'{NAME}="X\tX"', "X\tX", r"X\tX"),
}
UNREADABLE: Final = {
    "a quote that is not closed": "'X",
    "double quotes that are not closed": '"X',
    "text behind the quotes": "'X'X",
    "text behind the quotes, and a space": '"X" X',
    "two pairs of quotes": "'X''X'",
}


def with_secret(text: str) -> str:
    return text.replace("X", STRONG)


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The path of the file, which is not there yet."""
    monkeypatch.delenv("PYTHON_DOTENV_DISABLED")
    monkeypatch.setattr(Settings, "env_file", tmp_path / ".env")
    load_settings.cache_clear()
    yield tmp_path / ".env"
    load_settings.cache_clear()


def secret_in_use() -> str:
    secret = load_settings().better_auth_secret
    return secret.get_secret_value() if secret else ""


@pytest.mark.parametrize(("text", "value"), ALIKE.values(), ids=ALIKE)
def test_a_value_is_taken_as_it_stands(env_file: Path, text: str, value: str) -> None:
    env_file.write_bytes(with_secret(text).encode())

    assert secret_in_use() == with_secret(value)


@pytest.mark.parametrize(("text", "value", "nodes"), DIFFERENT.values(), ids=DIFFERENT)
def test_a_value_that_node_reads_differently_is_read_by_the_rules_of_python_dotenv(
    env_file: Path, text: str, value: str, nodes: str
) -> None:
    env_file.write_text(with_secret(text))

    assert secret_in_use() == with_secret(value) != with_secret(nodes)


@pytest.mark.slow
def test_nodes_dotenv_reads_what_the_tables_say(tmp_path: Path) -> None:
    wanted, installed = tmp_path / "wanted", tmp_path / "installed"
    wanted.mkdir()
    (wanted / "package.json").write_text('{"private": true, "dependencies": {"dotenv": "^18.0.0"}}')
    install_packages(wanted, installed)
    tables = [(text, nodes) for text, nodes in ALIKE.values()] + [
        (text, nodes) for text, _, nodes in DIFFERENT.values()
    ]
    program = (
        'const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));'
        f'console.log(JSON.stringify(texts.map((text) => require("dotenv").parse(text).{NAME} ?? "")));'
    )

    read = subprocess.run(
        ["node", "-e", program],  # noqa: S607
        cwd=installed,
        input=json.dumps([with_secret(text) for text, _ in tables]),
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(read.stdout) == [with_secret(nodes) for _, nodes in tables]


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE)
def test_a_value_that_cannot_be_read_is_refused_by_its_name_and_not_repeated(
    env_file: Path, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    env_file.write_text(f"\n\nexport {NAME}={with_secret(value)}\nLOG_LEVEL=INFO\n")

    with caplog.at_level(logging.DEBUG), pytest.raises(InvalidSettings) as refusal:
        load_settings()

    assert str(refusal.value) == (
        "BETTER_AUTH_SECRET cannot be read from .env; quote the whole value, or remove the quotes"
    )
    assert caplog.messages == []


def test_a_line_of_somebody_else_that_cannot_be_read_stops_nobody(
    env_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    env_file.write_text("NEXT_PUBLIC_KEY='x\n=y\nKEY=`a\nb'c`\nLOG_LEVEL=ERROR\nUNKNOWN=1\n")

    assert load_settings().log_level == "ERROR"
    assert caplog.messages == []


def test_an_env_file_in_another_encoding_is_explained(env_file: Path) -> None:
    env_file.write_text("LOG_LEVEL=ERROR\n", encoding="utf-16")

    with pytest.raises(InvalidSettings, match=r"^\.env is not UTF-8 text; save it as UTF-8$"):
        load_settings()


def test_an_env_file_that_cannot_be_opened_is_explained(env_file: Path) -> None:
    env_file.symlink_to(env_file)

    with pytest.raises(InvalidSettings, match=r"\.env cannot be read: Too many levels .*; make it readable, or remove"):
        load_settings()


def test_a_folder_named_env_is_no_env_file(env_file: Path) -> None:
    env_file.mkdir()

    assert load_settings().log_level == "INFO"


def test_an_env_file_may_be_a_pipe(env_file: Path) -> None:
    """As password managers make them, so that no secret lies on the disk."""
    os.mkfifo(env_file)

    with subprocess.Popen(["/bin/sh", "-c", f"echo LOG_LEVEL=ERROR > '{env_file}'"]):
        assert load_settings().log_level == "ERROR"


@pytest.mark.parametrize(("switch", "level"), [("1", "INFO"), ("True", "INFO"), ("0", "ERROR"), ("", "ERROR")])
def test_the_switch_of_python_dotenv_leaves_the_file_unread(
    env_file: Path, monkeypatch: pytest.MonkeyPatch, switch: str, level: str
) -> None:
    env_file.write_text("LOG_LEVEL=ERROR\n")
    monkeypatch.setenv("PYTHON_DOTENV_DISABLED", switch)

    assert load_settings().log_level == level

"""A copy of this repository, for tests that write into it, build it, or lay it where it could be in the way."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from app.settings import BASE_DIR

PARTS: Final = ("app", "migrations", "tests", "pyproject.toml", ".env.example", "README.md", ".gitignore", ".ci")
# Every command but `run`, with arguments with which it succeeds, in an order in which it does; TOKEN is a token.
CALLS: Final = {
    "makemigrations": ("nothing_new",),
    "startapp": ("notes",),
    "migrate": (),
    "check": (),
    "token": ("alice",),
    "check-token": ("TOKEN",),
    "routes": (),
    "schema": ("--output", "schema.json"),
    "seed": ("--user", "alice", "--yes"),
    "dumpdata": ("--output", "dump.jsonl"),
    "backup": ("app.backup",),
    "shell": (),
    "user": ("erase", "alice", "--yes"),
    "loaddata": ("dump.jsonl",),
    "restore": ("app.backup", "--yes"),
}

Run = Callable[..., subprocess.CompletedProcess[str]]


def call_all(run: Run, *app: str) -> dict[str, subprocess.CompletedProcess[str]]:
    """Call every command of CALLS once; return by name what became of each."""
    results: dict[str, subprocess.CompletedProcess[str]] = {}
    for name, arguments in CALLS.items():
        token = results["token"].stdout.strip() if "token" in results else ""
        results[name] = run(*app, name, *(token if argument == "TOKEN" else argument for argument in arguments))
    return results


class Checkout:
    """A repository under version control, in which commands are run as in a shell; it has no `.env`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.patience = 300  # seconds that a program may take
        folder.mkdir(exist_ok=True)
        for part in PARTS:
            if (BASE_DIR / part).is_dir():
                shutil.copytree(BASE_DIR / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(BASE_DIR / part, folder / part)
        self.call("git", "init", "-q")
        self.call("git", "add", "-A")
        self.call("git", "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm", "as it is")

    def call(self, *words: str, **environment: str) -> str:
        """Run a program; return what it says, and fail where it does."""
        result = self.run(*words, **environment)
        assert result.returncode == 0, f"{words}\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
        return result.stdout

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program, in an environment without settings."""
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder)} | environment
        return subprocess.run(
            words,
            cwd=self.folder,
            env=env,
            input="",
            capture_output=True,
            text=True,
            timeout=self.patience,
            check=False,
        )

    def python(self, *words: str, **environment: str) -> str:
        """Run a module; return what it says, and fail where it does."""
        return self.call(sys.executable, "-m", *words, **environment)

    @property
    def changes(self) -> str:
        """What differs from the commit, a line for each file; nothing of what git ignores."""
        return self.call("git", "status", "--short", "--untracked-files=all")

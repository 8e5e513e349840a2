"""What is built: a wheel that works in any working directory and writes nothing into itself."""

import hashlib
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.__main__ import COMMANDS
from app.settings import BASE_DIR
from tests.parts.checkout import CALLS, Checkout, call_all
from tests.parts.serving import NO_TLS, free_port, wait_until_served

pytestmark = pytest.mark.slow

WRITES_CODE = {"makemigrations", "startapp"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with a source distribution, and the wheel that was built from it, of a checkout that is in use."""
    checkout = Checkout(tmp_path_factory.mktemp("built") / "my project")
    (checkout.folder / ".env").write_text("LOG_LEVEL=DEBUG\n")
    checkout.python("app", "migrate")
    checkout.python("app", "token", "alice")
    checkout.call("uv", "--quiet", "build", "--out-dir", "dist", **os.environ)
    checkout.call("uv", "--quiet", "build", "--wheel", "--out-dir", "direct", **os.environ)
    return checkout.folder


@dataclass(frozen=True)
class Installed:
    """An environment that knows of no checkout, and a working directory elsewhere."""

    venv: Path
    folder: Path

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in the working directory."""
        program, *arguments = words
        command, env = [str(self.venv / "bin" / program), *arguments], {"PATH": "/usr/bin:/bin"} | environment
        return subprocess.run(
            command, cwd=self.folder, env=env, input="", capture_output=True, text=True, timeout=60, check=False
        )

    def files(self) -> dict[str, str]:
        """Each file of the environment, with a hash of what is in it."""
        return {
            path.relative_to(self.venv).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self.venv.rglob("*")
            if path.is_file()
        }


@pytest.fixture(scope="module")
def environment(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel in it, compiled, because Python would write what it compiles into it."""
    folder = tmp_path_factory.mktemp("environment")
    (wheel,) = (built / "dist").glob("*.whl")
    pins = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["tool"]["uv"]["constraint-dependencies"]
    (folder / "pins.txt").write_text("\n".join(pins))
    for command in (
        ["venv", f"--python={sys.executable}", "venv"],
        ["pip", "install", "--python=venv", "--compile-bytecode", "--constraints=pins.txt", str(wheel)],
    ):
        subprocess.run(["uv", "--quiet", *command], cwd=folder, check=True)  # noqa: S607
    return folder / "venv"


@pytest.fixture
def installed(environment: Path, tmp_path: Path) -> Iterator[Installed]:
    """The wheel, called in a folder of its own; afterwards the environment is as it was."""
    installed = Installed(environment, tmp_path)
    before = installed.files()
    yield installed
    assert installed.files() == before


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_what_is_built_holds_the_migrations_and_nothing_of_the_developer(built: Path) -> None:
    (wheel,), (source,) = (built / "dist").glob("*.whl"), (built / "dist").glob("*.tar.gz")
    packed = {path.name for path in (built / "migrations" / "versions").glob("*.py")}
    with tarfile.open(source) as archive:
        sources = [name.partition("/")[2] for name in archive.getnames()]
    assert (built / ".data" / "secret").exists()

    names = list(contents(wheel))
    assert {name.rpartition("/")[2] for name in names if name.startswith("app/migrations/versions/")} == packed
    assert {"app/migrations/env.py", "app/migrations/script.py.mako"} < set(names)
    assert {name.partition("/")[0].rpartition(".")[2] for name in names} == {"app", "dist-info"}
    for name in [*names, *sources]:
        assert not name.endswith((".env", ".pyc", ".db", "secret"))
        assert not name.startswith((".data", ".git/", "dist", "direct"))


def test_a_wheel_of_the_source_distribution_is_that_of_the_checkout(built: Path) -> None:
    (indirect,), (direct,) = (built / "dist").glob("*.whl"), (built / "direct").glob("*.whl")

    assert contents(indirect) == contents(direct)


def test_every_command_works_in_the_working_directory(installed: Installed) -> None:
    assert {*CALLS, "run"} == set(COMMANDS)

    results = call_all(installed.run, "app")

    for name, result in results.items():
        assert "Traceback" not in result.stderr, name
        assert result.returncode == (name in WRITES_CODE), f"{name}: {result.stderr}"
    assert sorted(path.name for path in installed.folder.iterdir()) == [
        ".data",
        "app.backup",
        "dump.jsonl",
        "schema.json",
    ]
    assert sorted(path.name for path in (installed.folder / ".data").iterdir()) == ["app.db", "secret"]


@pytest.mark.parametrize("name", sorted(WRITES_CODE))
def test_a_command_that_writes_code_asks_for_a_checkout(installed: Installed, name: str) -> None:
    result = installed.run("app", name, *CALLS[name])

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: this is an installed package; write ")
    assert result.stderr.count("\n") == 1


def test_the_models_of_the_wheel_are_as_its_migrations_make_them(installed: Installed) -> None:
    assert installed.run("app", "makemigrations", "--check").returncode == 0


def test_the_env_file_is_that_of_the_working_directory(installed: Installed) -> None:
    (installed.folder / ".env").write_text("DATABASE_URL=sqlite:///elsewhere.db\n")

    assert installed.run("app", "migrate").returncode == 0
    assert (installed.folder / "elsewhere.db").exists()
    assert not (installed.folder / ".data").exists()


@pytest.mark.parametrize("options", [(), ("--workers", "2"), ("--reload",)], ids=["one", "two", "reload"])
def test_it_serves_and_knows_the_tokens_that_are_made_in_the_same_directory(
    installed: Installed, options: tuple[str, ...]
) -> None:
    for name in ("app", "migrations", "tests"):  # of another project, in the working directory
        (installed.folder / name).mkdir()
        (installed.folder / name / "__init__.py").write_text("raise SystemExit('the wrong package')")
    token = installed.run("app", "token", "alice").stdout.strip()
    port = free_port()
    command = [str(installed.venv / "bin" / "app"), "run", "--port", str(port), *options]
    url, env, log = f"http://127.0.0.1:{port}", {"PATH": "/usr/bin:/bin"}, installed.folder / "log"

    with (
        log.open("w") as file,
        subprocess.Popen(command, cwd=installed.folder, env=env, stdout=file, stderr=file, text=True) as process,
    ):
        assert wait_until_served(process, f"{url}/health"), log.read_text()
        headers = {"Authorization": f"Bearer {token}"}
        made = httpx.post(f"{url}/api/tasks", json={"title": "Buy milk"}, headers=headers, verify=NO_TLS)
        process.terminate()

    assert made.status_code == 201
    assert process.returncode == 0
    assert (installed.folder / ".data" / "app.db").exists()

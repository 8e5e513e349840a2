"""A checkout in use: it may have any name, be called from anywhere, and be closed to writing."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from app.testing.databases import SECRET, PostgresDatabases
from tests.parts.checkout import Checkout, call_all
from tests.parts.serving import NO_TLS, PATIENCE, free_port, wait_until_served

pytestmark = pytest.mark.slow
CLOSED: Final = "Permission denied" if os.geteuid() else "Read-only file system"
LOOKS: Final = 1  # seconds in which it has looked for changes several times
APP: Final = (sys.executable, "-m", "app")


@contextmanager
def serving(checkout: Checkout, *options: str, **environment: str) -> Iterator[tuple[str, Path]]:
    """Serve, called from a folder elsewhere, while the block runs; the address, and a file with all that is said."""
    port, elsewhere = free_port(), checkout.folder.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(checkout.folder)} | environment
    command, log = [*APP, "run", "--port", str(port), *options], elsewhere / "log"
    with (
        log.open("w") as file,
        subprocess.Popen(command, cwd=elsewhere, env=env, stdout=file, stderr=file, text=True) as process,
    ):
        try:
            assert wait_until_served(process, f"http://127.0.0.1:{port}/health"), log.read_text()
            yield f"http://127.0.0.1:{port}", log
        finally:
            process.terminate()


@pytest.mark.parametrize("name", ["my proj 50% ä", "a%41b?#c@d"])
def test_a_checkout_may_have_any_name(tmp_path: Path, name: str) -> None:
    checkout = Checkout(tmp_path / name)

    results = call_all(checkout.run, *APP)
    failed = {command: result.stderr for command, result in results.items() if result.returncode}

    assert failed == {}
    assert {"app.db", "secret"} == {path.name for path in (checkout.folder / ".data").iterdir()}
    headers = {"Authorization": f"Bearer {results['token'].stdout.strip()}"}
    with serving(checkout) as (url, _):
        assert len(httpx.get(f"{url}/api/tasks", headers=headers, verify=NO_TLS).json()) == 50
    assert {path.name for path in tmp_path.rglob("*") if name not in str(path)} == {"elsewhere", "log"}


@contextmanager
def closed_to_writing(folder: Path) -> Iterator[None]:
    """Let nobody write there while the block runs: root by a mount, because no mode holds for root."""
    if os.geteuid():
        for path in [folder, *folder.rglob("*/")]:
            path.chmod(0o555)
        yield
        for path in [folder, *folder.rglob("*/")]:
            path.chmod(0o755)
        return
    subprocess.run(["/bin/mount", "--bind", str(folder), str(folder)], check=True)
    try:
        subprocess.run(["/bin/mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["/bin/umount", str(folder)], check=True)


def test_where_nothing_can_be_written_each_command_says_so_in_one_sentence(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "closed")
    checkout.python("app", "startapp", "books")

    with closed_to_writing(checkout.folder):
        results = call_all(checkout.run, *APP) | {
            "run": checkout.run(*APP, "run", "--port", str(free_port())),
            "remove": checkout.run(*APP, "startapp", "books", "--remove", "--yes"),
        }

    for name, result in results.items():
        assert "Traceback" not in result.stderr, name
        last = result.stderr.strip().rpartition("\n")[2]
        assert not result.returncode or name == "check" or last.startswith("Error: "), f"{name}: {last}"
    for name in ("migrate", "run"):
        assert results[name].stderr == (
            f"Error: DATABASE_URL is a SQLite file in {checkout.folder}/.data, which cannot be made: {CLOSED};"
            " make it, or set DATABASE_URL to another database\n"
        )
    assert "BETTER_AUTH_SECRET is not set, and " in results["token"].stderr
    for name in ("startapp", "remove"):
        assert f"Error: cannot write {checkout.folder}: {CLOSED}" in results[name].stderr


def test_where_nothing_can_be_written_it_serves_on_postgresql_with_a_secret(
    tmp_path: Path, postgres: PostgresDatabases
) -> None:
    checkout = Checkout(tmp_path / "closed")
    given = {"DATABASE_URL": postgres.fresh(), "BETTER_AUTH_SECRET": SECRET}
    token = checkout.python("app", "token", "alice", **given).strip()

    with closed_to_writing(checkout.folder), serving(checkout, **given) as (url, _):
        headers = {"Authorization": f"Bearer {token}"}
        made = httpx.post(f"{url}/api/tasks", json={"title": "Buy milk"}, headers=headers, verify=NO_TLS)

    assert made.status_code == 201


def test_a_change_of_the_project_is_seen_from_another_folder_and_a_change_of_that_is_not(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "project")

    with serving(checkout, "--reload") as (_, log):
        (log.parent / "other.py").touch()
        time.sleep(LOOKS)
        os.utime(log.parent / "other.py", (2e9, 2e9))
        time.sleep(LOOKS)
        assert log.read_text().count("Started server process") == 1
        os.utime(checkout.folder / "app" / "tasks" / "schemas.py", (2e9, 2e9))
        wait_until(lambda: log.read_text().count("Started server process") == 2)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)

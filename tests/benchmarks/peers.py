"""The peers: other stacks that serve the same table by the same paths, in an environment that is made for them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from app.settings import BASE_DIR
from app.testing.databases import SECRET
from tests.benchmarks.driver import Target
from tests.benchmarks.workload import Population
from tests.parts.serving import free_port, wait_until_served

PEERS: Final = {"guide": "tests.benchmarks.guide_stack:app", "limit": "tests.benchmarks.limit:app"}
_PACKAGES: Final = ("fastapi", "sqlmodel", "psycopg[binary,pool]", "pyjwt", "uvicorn[standard]", "msgspec")


def python_for_peers(folder: Path) -> Path | None:
    """Return an interpreter, of the same version as this one, that has what the peers import; None without uv's help.

    The newest versions are taken, whatever this project uses.
    """
    python = folder / "bin" / "python"
    commands = ["venv", f"--python={sys.executable}", str(folder)], ["pip", "install", f"--python={python}", *_PACKAGES]
    try:
        for command in commands:
            subprocess.run(["uv", "--quiet", *command], check=True, cwd=folder.parent)  # noqa: S607
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"without peers: uv cannot get what they need ({error})", file=sys.stderr)  # noqa: T201
        return None
    return python


@contextmanager
def peer(name: str, python: Path, database_url: str, population: Population) -> Iterator[Target]:
    """Serve while the block runs, by one worker without an access log."""
    port = free_port()
    options = ["--port", str(port), "--log-level", "warning", "--no-access-log"]
    command = [str(python), "-m", "uvicorn", PEERS[name], *options]
    environment = {"DATABASE_URL": database_url, "BETTER_AUTH_SECRET": SECRET}
    with subprocess.Popen(command, cwd=BASE_DIR, env=environment, text=True) as process:
        try:
            if wait_until_served(process, f"http://127.0.0.1:{port}/health") is None:
                raise RuntimeError(f"the peer {name} does not start")
            yield Target(name, port, process.pid, population)
        finally:
            process.terminate()

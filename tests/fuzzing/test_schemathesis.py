"""What schemathesis finds: nothing, with all its checks and phases.

It takes the group `fuzzing` of `pyproject.toml`; without it this test is skipped. The requests are the same each time.
What a document cannot express is in `hooks.py`.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from app.core.auth.tokens import issue_token
from app.settings import BASE_DIR
from app.testing.databases import SECRET, Databases
from tests.parts.serving import Server, serving

COMMAND: Final = shutil.which("schemathesis", path=Path(sys.executable).parent)
CONFIG: Final = Path(__file__).with_name("schemathesis.toml")
TOKEN: Final = issue_token("alice", SECRET.encode(), 3600)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(COMMAND is None, reason="schemathesis is not installed")]


@pytest.fixture(params=["sqlite_databases", "restricted"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    databases: Databases = request.getfixturevalue(request.param)
    with serving(databases.fresh(), tmp_path / "log") as server:
        yield server


def test_schemathesis_finds_nothing(server: Server, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(str(COMMAND), "--no-color", "--config-file", str(CONFIG)),
            *("run", f"{server.url}/schema/openapi.json", "--header", f"Authorization: Bearer {TOKEN}"),
        ],
        cwd=tmp_path,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.fuzzing.hooks", "PYTHONPATH": str(BASE_DIR)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    generated = re.search(r"(\d+) generated", done.stdout)
    assert generated
    assert int(generated[1]) > 1000
    assert "WARNING" not in done.stdout

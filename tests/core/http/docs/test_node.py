"""What linters, generators of clients and JavaScript make of the document; what is off for a linter is explained there.

Skipped where there is no node of today, or where its packages cannot be fetched.
"""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tests.core.http.docs.reading import Part
from tests.parts.npm import install_packages

pytestmark = [pytest.mark.slow, pytest.mark.any_database]

HERE: Final = Path(__file__).parent / "node"
MATCHING: Final = """
const { TaskCreate } = JSON.parse(fs.readFileSync("openapi.json")).components.schemas
const pattern = new RegExp(TaskCreate.properties.title.pattern, "u")
const found = []
for (let code = 0; code <= 0x10ffff; code++)
  if ((code < 0xd800 || code > 0xdfff) && !pattern.test(String.fromCodePoint(code))) found.push(code)
console.log(JSON.stringify(found))
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tools in it."""
    folder = tmp_path_factory.mktemp("node")
    install_packages(HERE, folder)
    if int(run(folder, "node", "--version").removeprefix("v").split(".")[0]) < 20:
        pytest.skip("node is too old for the tools")
    return folder


@pytest.fixture
def folder(packages: Path, document: Part) -> Path:
    """The folder, with each of the documents in turn."""
    (packages / "openapi.json").write_text(json.dumps(document))
    return packages


def run(folder: Path, *command: str) -> str:
    """Run a program; return what it says, and fail where it does."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_spectral_has_nothing_to_say(folder: Path) -> None:
    said = run(folder, "npx", "spectral", "lint", "-r", "spectral.yaml", "--fail-severity=hint", "openapi.json")

    assert "No results" in said


def test_redocly_has_nothing_to_say(folder: Path) -> None:
    said = run(folder, "npx", "redocly", "lint", "--config", "redocly.yaml", "--format", "json", "openapi.json")

    totals: dict[str, Any] = json.loads(said)["totals"]
    assert (totals["errors"], totals["warnings"]) == (0, 0)


def test_a_strict_client_compiles(folder: Path) -> None:
    run(folder, "npx", "openapi-typescript", "openapi.json", "--output", "api.ts")

    assert run(folder, "npx", "tsc", "--project", ".") == ""


def test_javascript_reads_the_pattern_of_a_line_as_it_is_held(folder: Path) -> None:
    refused = json.loads(run(folder, "node", "--eval", MATCHING))

    assert refused == [code for code in range(0x110000) if chr(code) in "\x00\ufeff" or chr(code).isspace()]

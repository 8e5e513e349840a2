"""The pins of `pyproject.toml`: exact versions of everything that is installed, and that the project is built with.

`.ci/renew` runs this. It takes the standard library and uv alone: where a range and a pin exclude each other, nothing
can be installed, and just then the pins have to be renewed.
"""

import difflib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

PYPROJECT: Final = Path(__file__).parents[2] / "pyproject.toml"
INSTALLED: Final = "constraint-dependencies"
BUILT_WITH: Final = "build-constraint-dependencies"
_EXPORT: Final = ("export", "--all-groups", "--all-extras", "--no-emit-project", "--no-hashes")
_COMPILE: Final = ("pip", "compile", "--universal", "--python-version=3.11", "--constraints=pins.txt", "build.txt")
_PLAIN: Final = ("--quiet", "--no-header", "--no-annotate")


def pins_in(text: str, name: str) -> list[str]:
    """Return a list of pins in the text of a `pyproject.toml`."""
    pins: list[str] = tomllib.loads(text)["tool"]["uv"][name]
    return pins


def with_pins(text: str, name: str, pins: Iterable[str]) -> str:
    """Return the text with these pins in the place of those in the list."""
    lines = "".join(f"    {json.dumps(pin)},\n" for pin in pins)
    return re.sub(rf"^{name} = \[\n.*?^\]", lambda _: f"{name} = [\n{lines}]", text, flags=re.DOTALL | re.MULTILINE)


def resolved(text: str) -> str:
    """Return the text with the pins that its ranges, and the pins that it has already, resolve to."""
    with TemporaryDirectory() as folder:
        project, build = Path(folder, "project"), Path(folder, "build")
        for path in (project, build):
            path.mkdir()
        (project / "pyproject.toml").write_text(text)
        # hatchling asks for editables only when it builds an editable wheel.
        (build / "build.txt").write_text("\n".join([*tomllib.loads(text)["build-system"]["requires"], "editables"]))
        (build / "pins.txt").write_text("\n".join(pins_in(text, BUILT_WITH)))
        installed, built_with = _uv(project, *_EXPORT), _uv(build, *_COMPILE)
    return with_pins(with_pins(text, INSTALLED, installed), BUILT_WITH, built_with)


def _uv(folder: Path, *arguments: str) -> list[str]:
    command = ["uv", *arguments, *_PLAIN]
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()


def main() -> None:
    """Renew the pins; with `--check`, say what is wrong with them, and exit with 1 if something is."""
    text, arguments = PYPROJECT.read_text(), sys.argv[1:]
    if arguments not in ([], ["--check"]):
        raise SystemExit("usage: .ci/renew [--check]")
    try:
        if not arguments:
            PYPROJECT.write_text(resolved(with_pins(with_pins(text, INSTALLED, []), BUILT_WITH, [])))
        elif (expected := resolved(text)) != text:
            difference = difflib.unified_diff(text.splitlines(), expected.splitlines(), n=0, lineterm="")
            raise SystemExit("\n".join(["the pins are not what is resolved with them; run .ci/renew", *difference]))
    except subprocess.CalledProcessError as error:
        raise SystemExit(error.returncode) from None


if __name__ == "__main__":
    main()

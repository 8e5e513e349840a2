"""The lines of a noun in `app/installed.py`: the import of its controller, and its entry in INSTALLED."""

import re
from typing import Final

import click

MARKER: Final = "    # `app startapp` writes above this line."


def add_controller(source: str, module: str, name: str) -> str:
    """Return the source with an import and an entry above the marker.

    Raises:
        click.ClickException: the marker is missing.
    """
    lines = source.splitlines()
    if MARKER not in lines:
        raise click.ClickException(
            f"app/installed.py lacks the line `{MARKER.strip()}`; put it at the end of INSTALLED"
        )
    lines.insert(lines.index(MARKER), f"    {name},")
    imports = [number for number, line in enumerate(lines) if line.startswith("from app.")]
    later = (number for number in imports if _natural(lines[number]) > _natural(f"from {module} "))
    lines.insert(next(later, imports[-1] + 1), f"from {module} import {name}")
    return "\n".join(lines) + "\n"


def remove_controller(source: str, module: str, name: str) -> str:
    """Return the source without these two lines."""
    lines = {f"from {module} import {name}", f"    {name},"}
    return "\n".join(line for line in source.splitlines() if line not in lines) + "\n"


def _natural(line: str) -> list[str | int]:
    # ruff sorts imports in natural order: 2 comes before 10.
    return [int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", line.split()[1])]

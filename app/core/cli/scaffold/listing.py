"""A noun's two lines in `app/installed.py`: its import, and its place in INSTALLED, found by what the file means."""

import ast
import re

import click


def with_controller(source: str, module: str, name: str) -> str:
    """Return the source with a controller as the last of INSTALLED, imported where its name sorts it.

    Raises:
        click.ClickException: INSTALLED is not a tuple or a list.
    """
    lines = source.splitlines()
    listed = _installed(source)
    names = [*(ast.unparse(item) for item in listed.elts), name]
    lines = _replaced(lines, listed, names)
    imports = [node for node in ast.parse(source).body if isinstance(node, ast.ImportFrom)]
    ours = [node for node in imports if (node.module or "").startswith("app.")]
    before = next((node.lineno - 1 for node in ours if _natural(node.module) > _natural(module)), None)
    last = ours[-1].end_lineno if ours else None
    lines.insert(next(n for n in (before, last, listed.lineno - 1) if n is not None), f"from {module} import {name}")
    return "\n".join(lines) + "\n"


def without_controller(source: str, module: str, name: str) -> str:
    """Return the source without a controller and its import.

    Raises:
        click.ClickException: INSTALLED is not a tuple or a list.
    """
    listed = _installed(source)
    names = [ast.unparse(item) for item in listed.elts if ast.unparse(item) != name]
    lines = _replaced(source.splitlines(), listed, names)
    return "\n".join(line for line in lines if line != f"from {module} import {name}") + "\n"


def _replaced(lines: list[str], listed: ast.Tuple | ast.List, names: list[str]) -> list[str]:
    """The lines with these names in INSTALLED, each in a line of its own."""
    opening, closing = "()" if isinstance(listed, ast.Tuple) else "[]"
    end = listed.end_lineno or listed.lineno
    head = lines[listed.lineno - 1][: listed.col_offset] + opening
    tail = closing + lines[end - 1][listed.end_col_offset :]
    return [*lines[: listed.lineno - 1], head, *(f"    {name}," for name in names), tail, *lines[end:]]


def _installed(source: str) -> ast.Tuple | ast.List:
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign | ast.Assign) and isinstance(node.value, ast.Tuple | ast.List):
            targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            if any(isinstance(target, ast.Name) and target.id == "INSTALLED" for target in targets):
                return node.value
    raise click.ClickException("app/installed.py has no INSTALLED = (...) to change; write the noun's line by hand.")


def _natural(module: str | None) -> list[str | int]:
    """A key by which 2 comes before 10, as ruff sorts imports."""
    return [int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", module or "")]

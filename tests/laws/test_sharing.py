"""What tests share lies where any test can import it: not in a test module, and under a public name in the app."""

import ast
from collections.abc import Callable, Iterator

import pytest

from app.settings import BASE_DIR

TEST_FILES = sorted((BASE_DIR / "tests").rglob("*.py"))


def imported_names(source: str) -> Iterator[tuple[int, str]]:
    """Yield each line and full name that is imported from `app` or `tests`, and each attribute of such a name."""
    tree = ast.parse(source)
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in {"app", "tests"}:
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                yield node.lineno, f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
            yield node.lineno, f"{known[node.value.id]}.{node.attr}"


def no_test_module_is_imported(source: str) -> list[str]:
    """Return the imports of a test module: what two tests need belongs in tests/parts or in a conftest."""
    return [f"{line}: {name}" for line, name in imported_names(source) if ".test_" in name]


def private_names_stay_private(source: str) -> list[str]:
    """Return the private names of the app that are used: a test asks what any caller can ask."""
    return [f"{line}: {name}" for line, name in imported_names(source) if _is_private(name)]


def _is_private(name: str) -> bool:
    root, *parts = name.split(".")
    return root == "app" and any(part.startswith("_") and not part.startswith("__") for part in parts)


LAWS = pytest.mark.parametrize("law", [no_test_module_is_imported, private_names_stay_private])


@LAWS
def test_the_tests_obey(law: Callable[[str], list[str]]) -> None:
    assert len(TEST_FILES) > 200
    broken = {path.relative_to(BASE_DIR).as_posix(): found for path in TEST_FILES if (found := law(path.read_text()))}

    assert broken == {}


@pytest.mark.parametrize(
    ("law", "source"),
    [
        (no_test_module_is_imported, "from tests.core.auth.test_claims import EXPIRIES"),
        (no_test_module_is_imported, "from tests.core.auth import test_claims"),
        (no_test_module_is_imported, "import tests.core.auth.test_claims"),
        (private_names_stay_private, "from app.core.cli.run import _serve"),
        (private_names_stay_private, "from app.core.data.connection import compiled\ncompiled._oid_of(int)"),
        (private_names_stay_private, "from app.core.cli import run as command\ncommand._serve()"),
    ],
)
def test_what_breaks_a_law_is_found(law: Callable[[str], list[str]], source: str) -> None:
    assert len(law(source)) == 1


@pytest.mark.parametrize(
    "source", ["from app.__main__ import main", "from tests.parts.serving import start", "import json\njson._default"]
)
@LAWS
def test_what_obeys_is_left_alone(law: Callable[[str], list[str]], source: str) -> None:
    assert law(source) == []

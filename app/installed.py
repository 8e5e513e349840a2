"""What this project has: one line for each noun, and one for each module with tables that HTTP does not offer.

A folder with a `models.py` that is missing here fails the start: its tables would have no migration and no test.
"""

from pathlib import Path
from types import ModuleType
from typing import Any

from app.core.http.resource.controller import ResourceController
from app.projects.controllers import ProjectController
from app.tasks.controllers import TaskController

INSTALLED: tuple[type[ResourceController[Any, Any, Any]], ...] = (
    ProjectController,
    TaskController,
    # `app startapp` writes above this line.
)
BATTERIES: tuple[ModuleType, ...] = ()
"""The `models` of batteries, and of nouns without controllers (a link table)."""


def installed_packages() -> list[str]:
    """Return the packages of all that is listed: each may have factories and checks."""
    modules = [*(controller.__module__ for controller in INSTALLED), *(module.__name__ for module in BATTERIES)]
    return list(dict.fromkeys(module.rpartition(".")[0] for module in modules))


def refuse_unlisted(folder: Path = Path(__file__).parent) -> None:
    """Check that every folder with tables is listed.

    Raises:
        RuntimeError: naming those that are missing.
    """
    found = {path.parent for pattern in ("*/models.py", "batteries/*/models.py") for path in folder.glob(pattern)}
    packages = {".".join(("app", *path.relative_to(folder).parts)) for path in found}
    if missing := sorted(package.removeprefix("app.") for package in packages - set(installed_packages())):
        raise RuntimeError(f"Add to INSTALLED or BATTERIES in app/installed.py, or remove: {', '.join(missing)}")

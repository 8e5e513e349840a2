"""The nouns and the batteries of this project, one line for each. `refuse_unlisted` finds a missing line at startup."""

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
"""The `models` of batteries, and of nouns without a controller, such as a link table."""


def installed_packages() -> list[str]:
    """Return the packages of the listed nouns and batteries."""
    modules = [*(controller.__module__ for controller in INSTALLED), *(module.__name__ for module in BATTERIES)]
    return list(dict.fromkeys(module.rpartition(".")[0] for module in modules))


def refuse_unlisted(folder: Path = Path(__file__).parent) -> None:
    """Raise RuntimeError if a folder with a `models.py` is not listed: its tables would have no migration."""
    found = {path.parent for pattern in ("*/models.py", "batteries/*/models.py") for path in folder.glob(pattern)}
    packages = {".".join(("app", *path.relative_to(folder).parts)) for path in found}
    if missing := sorted(package.removeprefix("app.") for package in packages - set(installed_packages())):
        raise RuntimeError(f"Add to INSTALLED or BATTERIES in app/installed.py, or remove: {', '.join(missing)}")

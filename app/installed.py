"""The nouns of this project, one line each. A folder with a `models.py` that is missing here fails the start."""

from pathlib import Path
from typing import Any

from app.core.http.resource.controller import ResourceController
from app.projects.controllers import ProjectController
from app.tasks.controllers import TaskController

INSTALLED: tuple[type[ResourceController[Any, Any, Any]], ...] = (
    ProjectController,
    TaskController,
    # `app startapp` writes above this line.
)


def refuse_unlisted(folder: Path = Path(__file__).parent) -> None:
    """Check that every noun is listed: one that is not would have a table and no guard, migration or test.

    Raises:
        RuntimeError: naming those that are missing.
    """
    nouns = {path.parent.name for path in folder.glob("*/models.py")}
    missing = nouns - {controller.__module__.split(".")[1] for controller in INSTALLED}
    if missing:
        raise RuntimeError(f"Add to INSTALLED in app/installed.py, or remove: {', '.join(sorted(missing))}")

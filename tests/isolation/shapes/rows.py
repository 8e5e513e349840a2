"""The rows of the two worlds.

Other owners' rows have ids before, between and after mallory's, and texts and times below, between and above hers, and
some equal values. So every statement that reads them gives another result. References cross between owners in both
directions, so a join without the owner is found as well.
"""

from datetime import UTC, datetime
from typing import Any, Final

from app.projects.models import Project
from app.tasks.models import Task

MALLORY: Final = "mallory"
OTHERS: Final = ("alice", "Mallory", "mallory ")

Rows = dict[type[Task] | type[Project], list[dict[str, Any]]]


def moment(day: int) -> datetime:
    """Return a time on this day; all times are in one month."""
    return datetime(2001, 1, day, 12, 30, tzinfo=UTC)


_PROJECT: Final = ("id", "user_id", "name", "archived")
_TASK: Final = ("id", "user_id", "title", "project_id", "completed")


def _project(day: int, *values: Any) -> dict[str, Any]:
    row = dict(zip(_PROJECT, values, strict=True))
    return row | {"description": None, "created_at": moment(day), "updated_at": moment(day)}


def _task(day: int, *values: Any) -> dict[str, Any]:
    row = dict(zip(_TASK, values, strict=True))
    about = None if row["completed"] else f"{row['title']} of {day}"
    return row | {"description": about, "created_at": moment(day), "updated_at": moment(day)}


MINE: Final[Rows] = {
    Project: [
        _project(5, 3, MALLORY, "house", False),
        _project(9, 5, MALLORY, "garden", True),
        _project(13, 7, MALLORY, "Milk", False),
    ],
    Task: [
        _task(5, 13, MALLORY, "milk", 3, False),
        _task(9, 15, MALLORY, "bread", 3, True),
        _task(13, 17, MALLORY, "house", 4, False),  # her reference to a row of another owner
        _task(17, 19, MALLORY, "milk", None, True),
        _task(9, 5, MALLORY, "garden", 5, False),
    ],
}

THEIRS: Final[Rows] = {
    Project: [
        _project(1, 2, "alice", "aaa", True),
        _project(5, 4, "alice", "house", False),
        _project(11, 6, "Mallory", "garden", True),
        _project(28, 8, "mallory ", "zzz", False),
    ],
    Task: [
        _task(1, 12, "alice", "aaa", 2, True),
        _task(5, 14, "alice", "milk", 3, False),  # another owner's reference to a row of hers
        _task(9, 16, "alice", "bread", 4, True),
        _task(15, 18, "Mallory", "house", 6, False),
        _task(28, 20, "mallory ", "zzz", 8, False),
        _task(3, 4, "alice", "milk", None, True),
        _task(9, 3, "alice", "garden", 5, False),
    ],
}

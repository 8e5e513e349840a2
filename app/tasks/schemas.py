"""What a client sends about a task."""

from app.core.http.body.dto import CreateSchema, UpdateSchema
from app.tasks.models import TaskFields


class TaskCreate(TaskFields, CreateSchema):
    """A new task."""


class TaskUpdate(TaskFields, UpdateSchema):
    """What to change about a task."""

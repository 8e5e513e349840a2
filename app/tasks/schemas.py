"""The bodies of requests that create or change a task."""

from app.core.http.body.dto import CreateSchema, UpdateSchema
from app.tasks.models import TaskFields


class TaskCreate(TaskFields, CreateSchema):
    """A new task."""


class TaskUpdate(TaskFields, UpdateSchema):
    """Changes to a task."""

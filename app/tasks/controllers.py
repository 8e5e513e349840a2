"""The operations on tasks, at /api/tasks."""

from app.core.http.resource.controller import ResourceController
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate


class TaskController(ResourceController[Task, TaskCreate, TaskUpdate]):
    """Your tasks. Each may belong to one of your projects."""

    path = "/api/tasks"

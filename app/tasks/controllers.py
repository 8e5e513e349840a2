"""What is offered about tasks: the five operations of a resource, at /api/tasks."""

from app.core.http.resources import ResourceController
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate


class TaskController(ResourceController[Task, TaskCreate, TaskUpdate]):
    """Tasks of the caller."""

    path = "/api/tasks"

"""Tasks for tests and for seeding."""

from app.tasks.models import Task
from app.testing.factories import RowFactory


class TaskFactory(RowFactory[Task]):
    """A task of somebody, open and without a description."""

"""Tasks for tests and `app seed`."""

from app.tasks.models import Task
from app.testing.factories import RowFactory


class TaskFactory(RowFactory[Task]):
    """Builds open tasks without a description."""

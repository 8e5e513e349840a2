"""Faults in which values are taken, and how they are kept."""

import litestar
from litestar.params import JSONBody

from app.core.data.repository.rows import Row
from app.core.http.resource.controller import RepositoryDependency, ResourceController
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.contract import values
from tests.contract_faults.resource import PATH, Fault


class TaskUpdateWithAnyText(TaskUpdate):
    description: str | None = None


class TakesAnyText(ResourceController[Task, TaskCreate, TaskUpdateWithAnyText]):
    path = PATH


class TrimsTheTitle(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.post()
    async def create(self, repository: RepositoryDependency[Task], data: JSONBody[TaskCreate]) -> Row:
        return await repository.insert_one(data.model_dump() | {"title": data.title.strip()})


FAULTS = (
    Fault(TakesAnyText, values.an_invalid_value_is_a_422_that_names_its_field, "put: description"),
    Fault(TrimsTheTitle, values.an_accepted_value_is_stored_unchanged, "POST: title: expected"),
)

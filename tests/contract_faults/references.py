"""Faults in what rows refer to."""

from typing import Any, ClassVar, Self

import litestar
from litestar.exceptions import HTTPException
from litestar.params import JSONBody
from pydantic import model_validator

from app.core.data.repository.rows import Row
from app.core.http.resource.controller import PathId, RepositoryDependency, ResourceController
from app.projects.models import Project
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.contract import references
from tests.contract_faults.resource import PATH, Fault, unfiltered


class SaysWhoseTheProjectIs(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.put("/{id:int}")
    async def put(self, repository: RepositoryDependency[Task], id: PathId, data: JSONBody[TaskUpdate]) -> Row:
        async with unfiltered(repository) as session:
            project = await session.get(Project, data.project_id or 0)
        if project and project.user_id != repository.session.sync_session.owner:
            raise HTTPException("Not your project", status_code=422)
        return await repository.update_one(id, data.model_dump(exclude_unset=True))


class TaskUpdateThatLooksAtAll(TaskUpdate):
    project_id: int | None = None

    @model_validator(mode="after")
    def _refers_to_an_id(self) -> Self:
        if self.project_id is not None and self.project_id < 1:
            raise ValueError("no id")
        return self


class NamesNoField(ResourceController[Task, TaskCreate, TaskUpdateThatLooksAtAll]):
    path = PATH


class ForgetsTheProject(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.post()
    async def create(self, repository: RepositoryDependency[Task], data: JSONBody[TaskCreate]) -> Row:
        return await repository.insert_one(data.model_dump(exclude={"project_id"}))


class RemembersWhatItRead(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH
    read: ClassVar[dict[Any, Row]] = {}

    @litestar.get("/{id:int}")
    async def get(self, repository: RepositoryDependency[Task], id: PathId) -> Row:
        row = await repository.select_one(id)
        return self.read.setdefault((row.user_id, id), row)


FAULTS = (
    Fault(
        SaysWhoseTheProjectIs,
        references.a_reference_to_another_users_row_is_like_one_to_a_missing_row,
        "put: project_id, another user's",
        held_by_database=True,
    ),
    Fault(NamesNoField, references.an_invalid_reference_is_a_422_that_names_it, "put: 0: the fields named"),
    Fault(ForgetsTheProject, references.a_reference_to_a_row_of_the_same_user_is_stored, "POST: project_id: expected"),
    Fault(RemembersWhatItRead, references.deleting_a_referenced_row_obeys_on_delete, "the row: expected"),
)

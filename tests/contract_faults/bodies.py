"""Faults in what a body may say, and in what is answered to it."""

from typing import Any

import litestar
from litestar import Response
from litestar.params import JSONBody
from pydantic import field_validator

from app.core.data.repository.rows import Row
from app.core.data.tables.registry import columns_of
from app.core.http.body.dto import BodyDTO
from app.core.http.resource.controller import PathId, RepositoryDependency, ResourceController
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.contract import bodies
from tests.contract_faults.resource import PATH, Fault


class ReplacesWhatWasNotSent(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.put("/{id:int}")
    async def put(self, repository: RepositoryDependency[Task], id: PathId, data: JSONBody[TaskUpdate]) -> Row:
        return await repository.update_one(id, {"description": None} | data.model_dump(exclude_unset=True))


class TaskUpdateWithRequiredProject(TaskUpdate):
    project_id: int


class CannotBeCleared(ResourceController[Task, TaskCreate, TaskUpdateWithRequiredProject]):
    path = PATH


class DeletesAgainAndAgain(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.delete("/{id:int}")
    async def delete(self, repository: RepositoryDependency[Task], id: PathId) -> None:
        await repository.delete_where(columns_of(Task)[0] == id)


class SaysThatItIsElsewhere(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.post()
    async def create(self, repository: RepositoryDependency[Task], data: JSONBody[TaskCreate]) -> Response[Row]:
        return Response(await repository.insert_one(data.model_dump()), headers={"Location": self.path})


class TaskCreateWithDescription(TaskCreate):
    description: str


class WantsADescription(ResourceController[Task, TaskCreateWithDescription, TaskUpdate]):
    path = PATH


class AcceptsAPut(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.put("/{id:int}", status_code=202)
    async def put(self, repository: RepositoryDependency[Task], id: PathId, data: JSONBody[TaskUpdate]) -> Row:
        return await repository.update_one(id, data.model_dump(exclude_unset=True))


class LenientDTO(BodyDTO):
    def decode_bytes(self, value: bytes) -> Any:
        return super().decode_bytes(value.strip() or b"{}")


class TakesNothingForAnObject(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH
    dto = LenientDTO


class TaskUpdateThatIgnores(TaskUpdate):
    model_config = {"extra": "ignore"}  # noqa: RUF012  # pydantic reads it once


class IgnoresWhatItDoesNotKnow(ResourceController[Task, TaskCreate, TaskUpdateThatIgnores]):
    path = PATH


class TaskCreateThatQuotes(TaskCreate):
    @field_validator("title", mode="before")
    @classmethod
    def _text(cls, title: object) -> object:
        if not isinstance(title, str):
            raise ValueError(f"{title} is no title")
        return title


class QuotesWhatWasSent(ResourceController[Task, TaskCreateThatQuotes, TaskUpdate]):
    path = PATH


FAULTS = (
    Fault(ReplacesWhatWasNotSent, bodies.put_and_patch_change_only_the_fields_sent, "put: title"),
    Fault(ReplacesWhatWasNotSent, bodies.an_empty_object_changes_nothing, "put: expected"),
    Fault(CannotBeCleared, bodies.null_clears_nullable_fields_only, "expected 200, got 422"),
    Fault(DeletesAgainAndAgain, bodies.a_deleted_row_is_a_404, "delete afterwards: expected 404, got 204"),
    Fault(SaysThatItIsElsewhere, bodies.location_leads_to_the_new_row, "Location: expected"),
    Fault(WantsADescription, bodies.a_new_row_needs_only_the_required_fields, "expected 201, got 422"),
    Fault(AcceptsAPut, bodies.put_and_patch_respond_alike, "headers of PUT and PATCH"),
    Fault(TakesNothingForAnObject, bodies.a_body_that_is_not_an_object_is_a_422, "put of b' ': expected 422, got 200"),
    Fault(
        IgnoresWhatItDoesNotKnow,
        bodies.an_unknown_field_is_a_422_that_names_it,
        "put with 'no such field': expected 422",
    ),
    Fault(QuotesWhatWasSent, bodies.an_error_never_repeats_the_values_sent, "the response repeats the value of title"),
)

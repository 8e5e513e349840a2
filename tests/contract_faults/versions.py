"""Faults that let a client overwrite what it has not expected, or tell by it what others have."""

from typing import Any

import litestar
import msgspec
from litestar import Request, Response
from litestar.params import JSONBody

from app.core.data.errors import RowChanged
from app.core.data.repository.rows import Row
from app.core.http.resource.controller import Expected, PathId, RepositoryDependency, ResourceController
from app.core.http.resource.etags import with_etag
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.contract import versions
from tests.contract_faults.resource import PATH, Fault


class ReadsWithoutATag(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get("/{id:int}")
    async def get(self, repository: RepositoryDependency[Task], id: PathId) -> Row:
        return await repository.select_one(id)


class ChangesWhateverIsThere(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.patch("/{id:int}")
    async def update(self, repository: RepositoryDependency[Task], id: PathId, data: JSONBody[TaskUpdate]) -> Row:
        return await repository.update_one(id, data.model_dump(exclude_unset=True))


class LooksFirstAndChangesThen(ResourceController[Task, TaskCreate, TaskUpdate]):
    """It takes one tag, to the letter, and `*` for none."""

    path = PATH

    @litestar.patch("/{id:int}")
    async def update(
        self,
        repository: RepositoryDependency[Task],
        id: PathId,
        data: JSONBody[TaskUpdate],
        request: Request[Any, Any, Any],
    ) -> Response[Row]:
        row = await repository.select_one(id)
        if request.headers.get("If-Match") not in {None, with_etag(row).headers["ETag"]}:
            raise RowChanged(Task, row)
        return with_etag(await repository.update_one(id, data.model_dump(exclude_unset=True)))


class WritesTwice(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.put("/{id:int}")
    async def put(
        self, repository: RepositoryDependency[Task], id: PathId, data: JSONBody[TaskUpdate], expected: Expected
    ) -> Response[Row]:
        row = await repository.update_one(id, {"title": "in between"}, expected)
        values = {"title": data.title, **data.model_dump(exclude_unset=True)}
        return with_etag(await repository.update_one(row.id, values if data.title else {}))


class SaysWhenItWasCreated(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.patch("/{id:int}")
    async def update(
        self, repository: RepositoryDependency[Task], id: PathId, data: JSONBody[TaskUpdate], expected: Expected
    ) -> Response[Row]:
        row = await repository.update_one(id, data.model_dump(exclude_unset=True), expected)
        return with_etag(msgspec.structs.replace(row, updated_at=row.created_at))


class RefusesAStateBeforeItLooks(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.delete("/{id:int}")
    async def delete(self, repository: RepositoryDependency[Task], id: PathId, expected: Expected) -> None:
        if expected == []:
            raise RowChanged(Task, None)
        await repository.delete_one(id, expected)


FAULTS = (
    Fault(ReadsWithoutATag, versions.a_response_with_one_row_has_its_etag, "GET: ETag"),
    Fault(ChangesWhateverIsThere, versions.if_match_with_another_version_is_a_412, "expected 412, got 200"),
    Fault(LooksFirstAndChangesThen, versions.if_match_with_the_current_version_is_accepted, "expected 200, got 412"),
    Fault(
        LooksFirstAndChangesThen, versions.if_match_accepts_lists_weak_etags_and_milliseconds, "update with If-Match W/"
    ),
    Fault(LooksFirstAndChangesThen, versions.a_change_can_be_repeated_with_the_same_if_match, "got 412"),
    Fault(WritesTwice, versions.a_change_to_the_same_values_keeps_the_version, "put: []: expected"),
    Fault(SaysWhenItWasCreated, versions.versions_differ_also_in_milliseconds, "the times in their order: expected"),
    Fault(
        RefusesAStateBeforeItLooks,
        versions.if_match_reveals_nothing_about_other_users,
        "expected 404, got 412",
    ),
)

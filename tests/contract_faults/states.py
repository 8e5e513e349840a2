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
from app.testing.contract import states
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
    Fault(ReadsWithoutATag, states.an_answer_that_is_one_row_has_its_tag, "GET: ETag"),
    Fault(ChangesWhateverIsThere, states.a_row_that_was_changed_meanwhile_is_left_alone, "412 expected, 200 came"),
    Fault(LooksFirstAndChangesThen, states.a_row_that_is_still_as_it_was_is_changed, "expected 200, got 412"),
    Fault(LooksFirstAndChangesThen, states.a_tag_is_known_in_each_of_its_spellings, "update if it is W/"),
    Fault(LooksFirstAndChangesThen, states.a_change_that_is_sent_again_is_no_conflict, "got 412"),
    Fault(WritesTwice, states.a_change_of_nothing_changes_nothing, "put: []: expected"),
    Fault(SaysWhenItWasCreated, states.no_two_states_have_the_same_millisecond, "the times in their order: expected"),
    Fault(RefusesAStateBeforeItLooks, states.a_state_tells_nothing_about_rows_of_others, "404 expected, 412 came"),
)

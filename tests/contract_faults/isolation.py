"""Faults that let somebody see, change or guess at what is another's."""

from typing import Any

import litestar
import msgspec
from litestar import Response
from litestar.exceptions import HTTPException
from litestar.params import JSONBody
from sqlalchemy import delete, func, select, update

from app.core.data.repository.rows import Row
from app.core.data.tables.registry import columns_of
from app.core.http.resource.controller import PageRequestDependency, PathId, RepositoryDependency, ResourceController
from app.core.http.resource.pages import page_response
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.contract import isolation
from tests.contract_faults.resource import PATH, Fault, unfiltered


class ReadsRowsOfEveryone(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get("/{id:int}")
    async def get(self, repository: RepositoryDependency[Task], id: PathId) -> Row:
        async with unfiltered(repository) as session:
            found = (await session.execute(select(*columns_of(Task)).filter_by(id=id))).one_or_none()
        return found or await repository.select_one(id)


class SaysThatItIsForbidden(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get("/{id:int}")
    async def get(self, repository: RepositoryDependency[Task], id: PathId) -> Row:
        async with unfiltered(repository) as session:
            there = await session.scalar(select(columns_of(Task)[1]).filter_by(id=id))
        if there not in (None, repository.session.sync_session.owner):
            raise HTTPException("Forbidden", status_code=403)
        return await repository.select_one(id)


class ListsRowsOfEveryone(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get()
    async def list(
        self, repository: RepositoryDependency[Task], page_request: PageRequestDependency
    ) -> Response[list[Row]]:
        found = await repository.select_page(page_request)
        async with unfiltered(repository) as session:
            everything = (await session.execute(select(*columns_of(Task)).order_by(columns_of(Task)[0]))).all()
        shown = list(everything[page_request.offset :][: page_request.limit])
        return page_response(PATH, page_request, msgspec.structs.replace(found, rows=shown))


class CountsRowsOfEveryone(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get()
    async def list(
        self, repository: RepositoryDependency[Task], page_request: PageRequestDependency
    ) -> Response[list[Row]]:
        found = await repository.select_page(page_request)
        async with unfiltered(repository) as session:
            total = await session.scalar(select(func.count()).select_from(Task))
        return page_response(
            PATH, page_request, msgspec.structs.replace(found, total=total if page_request.count else None)
        )


class ChangesRowsOfEveryone(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.patch("/{id:int}")
    async def update(self, repository: RepositoryDependency[Task], id: PathId, data: JSONBody[TaskUpdate]) -> Row:
        async with unfiltered(repository) as session:
            await session.execute(update(Task).filter_by(id=id).values(completed=True))
        return await repository.update_one(id, data.model_dump(exclude_unset=True))


class DeletesRowsOfEveryone(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.delete("/{id:int}")
    async def delete(self, repository: RepositoryDependency[Task], id: PathId) -> None:
        async with unfiltered(repository) as session:
            await session.execute(delete(Task).filter_by(id=id))


class IsOpenToAnybody(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get("/{id:int}", public=True)
    async def get(self, id: PathId) -> Row:
        raise HTTPException("Not Found", status_code=404)


class TaskUpdateWithOwner(TaskUpdate):
    user_id: str


class TakesAnOwner(ResourceController[Task, TaskCreate, TaskUpdateWithOwner]):
    path = PATH


class ChangesInSecret(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.patch("/{id:int}")
    async def update(self, repository: RepositoryDependency[Task], id: PathId, data: JSONBody[TaskUpdate]) -> Row:
        before = (await repository.select_one(id)).updated_at
        return await repository.update_one(id, data.model_dump(exclude_unset=True) | {"updated_at": before})


class GivesAnIdTwice(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.post()
    async def create(self, repository: RepositoryDependency[Task], data: JSONBody[TaskCreate]) -> Any:
        return msgspec.structs.replace(await repository.insert_one(data.model_dump()), id=7)

    @litestar.delete("/{id:int}")
    async def delete(self, id: PathId) -> None:
        pass


class WantsATitleThatNobodyHas(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.post()
    async def create(self, repository: RepositoryDependency[Task], data: JSONBody[TaskCreate]) -> Row:
        async with unfiltered(repository) as session:
            if (await session.execute(select(*columns_of(Task)).filter_by(title=data.title))).first():
                raise HTTPException("Taken", status_code=409)
        return await repository.insert_one(data.model_dump())


class CallsAnIdInvalid(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get("/{id:int}")
    async def get(self, repository: RepositoryDependency[Task], id: PathId) -> Row:
        if id < 1:
            raise HTTPException("Not an id", status_code=400)
        return await repository.select_one(id)


class ForgetsWhatWasSentBack(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.patch("/{id:int}")
    async def update(self, repository: RepositoryDependency[Task], id: PathId, data: JSONBody[TaskUpdate]) -> Row:
        return await repository.update_one(id, data.model_dump(exclude_unset=True))


FAULTS = (
    Fault(
        ReadsRowsOfEveryone,
        isolation.another_users_row_is_like_a_missing_row,
        "get of another user's row and of a missing row",
        held_by_database=True,
    ),
    Fault(
        SaysThatItIsForbidden,
        isolation.another_users_row_is_like_a_missing_row,
        "get of another user's row and of a missing row",
        held_by_database=True,
    ),
    Fault(ListsRowsOfEveryone, isolation.a_list_has_only_the_rows_of_the_caller, "the list"),
    Fault(CountsRowsOfEveryone, isolation.a_list_has_only_the_rows_of_the_caller, "the total"),
    Fault(
        ChangesRowsOfEveryone,
        isolation.another_user_changes_nothing,
        "the rows after a stranger's update",
        held_by_database=True,
    ),
    Fault(
        DeletesRowsOfEveryone,
        isolation.another_user_changes_nothing,
        "the rows after a stranger's delete",
        held_by_database=True,
    ),
    Fault(IsOpenToAnybody, isolation.every_operation_needs_a_valid_token, "get: expected 401, got 404"),
    Fault(ForgetsWhatWasSentBack, isolation.a_whole_row_can_be_sent_back, "expected 412, got 200"),
    Fault(TakesAnOwner, isolation.fields_that_the_server_sets_are_a_422, "put: the fields named"),
    Fault(ChangesInSecret, isolation.a_row_keeps_its_id_its_owner_and_its_creation_time, "updated_at did not move"),
    Fault(GivesAnIdTwice, isolation.an_id_is_never_used_again, "the id 7 of a deleted row was given again"),
    Fault(
        WantsATitleThatNobodyHas,
        isolation.two_users_can_store_the_same_values,
        "expected 201, got 409",
        held_by_database=True,
    ),
    Fault(CallsAnIdInvalid, isolation.an_impossible_id_is_a_404, "get of 0: expected"),
)

"""Resources with one fault each, and the rule of the contract that finds it: the suite can fail."""

from typing import NamedTuple

import litestar
from litestar import Response
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import JSONBody
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.data.ownership import everyone
from app.core.data.repository import Repository
from app.core.data.rows import Row, columns_of
from app.core.data.session import AppSession
from app.core.http.listing import Page
from app.core.http.resources import ResourceController, RowId, Rows
from app.projects.models import Project
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.conformance import Resource, Rule, bodies, isolation, references

PATH = "/api/faulty"


class Fault(NamedTuple):
    """What is wrong, which rule says so in which words, and whether row level security makes it harmless."""

    resource: Resource
    found_by: Rule
    words: str
    held_by_database: bool = False


def unfiltered(rows: Repository[Task]) -> AppSession:
    return everyone(AppSession(rows.session.bind))


class Faultless(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH


class ReadsRowsOfEveryone(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get("/{id:int}")
    async def get(self, rows: Rows[Task], id: RowId) -> Row:
        async with unfiltered(rows) as session:
            found = (await session.execute(select(*columns_of(Task)).filter_by(id=id))).one_or_none()
        return found or await rows.select_one(id)


class ListsRowsOfEveryone(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get()
    async def list(self, rows: Rows[Task], page: NamedDependency[Page]) -> Response[list[Row]]:
        found = await rows.select_page(page.cut)
        async with unfiltered(rows) as session:
            everything = (await session.execute(select(*columns_of(Task)).order_by(columns_of(Task)[0]))).all()
        return page.response_of(found._replace(rows=list(everything[page.cut.offset :][: page.cut.limit])))


class CountsRowsOfEveryone(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get()
    async def list(self, rows: Rows[Task], page: NamedDependency[Page]) -> Response[list[Row]]:
        found = await rows.select_page(page.cut)
        async with AsyncSession(rows.session.bind) as session:
            total = await session.scalar(select(func.count()).select_from(Task))
        return page.response_of(found._replace(total=total if page.cut.total else None))


class ChangesRowsOfEveryone(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.patch("/{id:int}")
    async def update(self, rows: Rows[Task], id: RowId, data: JSONBody[TaskUpdate]) -> Row:
        async with AsyncSession(rows.session.bind) as session:
            await session.execute(update(Task).filter_by(id=id).values(completed=True))
        return await rows.update_one(id, data.model_dump(exclude_unset=True))


class DeletesRowsOfEveryone(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.delete("/{id:int}")
    async def delete(self, rows: Rows[Task], id: RowId) -> None:
        async with AsyncSession(rows.session.bind) as session:
            await session.execute(delete(Task).filter_by(id=id))


class SaysThatItIsForbidden(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get("/{id:int}")
    async def get(self, rows: Rows[Task], id: RowId) -> Row:
        async with unfiltered(rows) as session:
            there = await session.scalar(select(columns_of(Task)[1]).filter_by(id=id))
        if there not in (None, rows.session.sync_session.owner):
            raise HTTPException("Forbidden", status_code=403)
        return await rows.select_one(id)


class SaysWhoseTheProjectIs(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.put("/{id:int}")
    async def put(self, rows: Rows[Task], id: RowId, data: JSONBody[TaskUpdate]) -> Row:
        async with unfiltered(rows) as session:
            project = await session.get(Project, data.project_id or 0)
        if project and project.user_id != rows.session.sync_session.owner:
            raise HTTPException("Not your project", status_code=422)
        return await rows.update_one(id, data.model_dump(exclude_unset=True))


class IsOpenToAnybody(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get("/{id:int}", public=True)
    async def get(self, id: RowId) -> Row:
        raise HTTPException("Not Found", status_code=404)


class ReplacesWhatWasNotSent(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.put("/{id:int}")
    async def put(self, rows: Rows[Task], id: RowId, data: JSONBody[TaskUpdate]) -> Row:
        return await rows.update_one(id, {"description": None} | data.model_dump(exclude_unset=True))


class TaskUpdateWithOwner(TaskUpdate):
    user_id: str


class TakesAnOwner(ResourceController[Task, TaskCreate, TaskUpdateWithOwner]):
    path = PATH


class TaskUpdateWithRequiredProject(TaskUpdate):
    project_id: int


class CannotBeCleared(ResourceController[Task, TaskCreate, TaskUpdateWithRequiredProject]):
    path = PATH


class DeletesAgainAndAgain(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.delete("/{id:int}")
    async def delete(self, rows: Rows[Task], id: RowId) -> None:
        await rows.delete_where(columns_of(Task)[0] == id)


LIKE_NONE = isolation.anothers_row_is_answered_like_none
OWN_LIST = isolation.a_list_holds_the_callers_rows_and_no_hint_of_others
UNCHANGED = isolation.a_stranger_changes_nothing
NO_FOREIGN_REFERENCE = references.a_reference_to_anothers_row_is_answered_like_one_to_none

FAULTS = (
    Fault(ReadsRowsOfEveryone, LIKE_NONE, "get of another's row and of none", held_by_database=True),
    Fault(SaysThatItIsForbidden, LIKE_NONE, "get of another's row and of none", held_by_database=True),
    Fault(ListsRowsOfEveryone, OWN_LIST, "the list"),
    Fault(CountsRowsOfEveryone, OWN_LIST, "the total"),
    Fault(ChangesRowsOfEveryone, UNCHANGED, "the rows after a stranger's update", held_by_database=True),
    Fault(DeletesRowsOfEveryone, UNCHANGED, "the rows after a stranger's delete", held_by_database=True),
    Fault(SaysWhoseTheProjectIs, NO_FOREIGN_REFERENCE, "put: project_id, another's", held_by_database=True),
    Fault(IsOpenToAnybody, isolation.without_a_valid_token_nothing_is_said_or_done, "get: 401 expected, 404 came"),
    Fault(ReplacesWhatWasNotSent, bodies.only_what_is_sent_is_changed_by_put_as_by_patch, "put: title"),
    Fault(ReplacesWhatWasNotSent, bodies.an_empty_object_changes_nothing, "put: expected"),
    Fault(TakesAnOwner, isolation.what_the_server_gives_is_not_accepted, "put: the fields named"),
    Fault(CannotBeCleared, bodies.null_clears_a_field_that_may_be_empty_and_no_other, "expected 200, got 422"),
    Fault(DeletesAgainAndAgain, bodies.a_row_is_deleted_once, "delete afterwards: 404 expected, 204 came"),
)

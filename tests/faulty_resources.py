"""Resources with one fault each, and the rule of the contract that finds it: the suite can fail."""

from typing import Annotated, Any, ClassVar, NamedTuple

import litestar
from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import JSONBody, QueryParameter
from pydantic import field_validator
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel._compat import SQLModelConfig

from app.core.data.ownership import everyone
from app.core.data.repository import Repository
from app.core.data.rows import Row, columns_of
from app.core.data.session import AppSession
from app.core.http.dto import BodyDTO
from app.core.http.listing import Page
from app.core.http.resources import ResourceController, RowId, Rows
from app.projects.models import Project
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.conformance import Resource, Rule, bodies, isolation, lists, references, values

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


class SaysThatItIsElsewhere(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.post()
    async def create(self, rows: Rows[Task], data: JSONBody[TaskCreate]) -> Response[Row]:
        return Response(await rows.insert_one(data.model_dump()), headers={"Location": self.path})


class TaskCreateWithDescription(TaskCreate):
    description: str


class WantsADescription(ResourceController[Task, TaskCreateWithDescription, TaskUpdate]):
    path = PATH


class AcceptsAPut(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.put("/{id:int}", status_code=202)
    async def put(self, rows: Rows[Task], id: RowId, data: JSONBody[TaskUpdate]) -> Row:
        return await rows.update_one(id, data.model_dump(exclude_unset=True))


class LenientDTO(BodyDTO):
    def decode_bytes(self, value: bytes) -> Any:
        return super().decode_bytes(value.strip() or b"{}")


class TakesNothingForAnObject(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH
    dto = LenientDTO


class TaskUpdateThatIgnores(TaskUpdate):
    model_config = SQLModelConfig(extra="ignore")


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


class ChangesInSecret(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.patch("/{id:int}")
    async def update(self, rows: Rows[Task], id: RowId, data: JSONBody[TaskUpdate]) -> Row:
        before = (await rows.select_one(id)).updated_at
        return await rows.update_one(id, data.model_dump(exclude_unset=True) | {"updated_at": before})


class GivesAnIdTwice(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.post()
    async def create(self, rows: Rows[Task], data: JSONBody[TaskCreate]) -> Any:
        return (7, *(await rows.insert_one(data.model_dump()))[1:])

    @litestar.delete("/{id:int}")
    async def delete(self, id: RowId) -> None:
        pass


class WantsATitleThatNobodyHas(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.post()
    async def create(self, rows: Rows[Task], data: JSONBody[TaskCreate]) -> Row:
        async with unfiltered(rows) as session:
            if (await session.execute(select(*columns_of(Task)).filter_by(title=data.title))).first():
                raise HTTPException("Taken", status_code=409)
        return await rows.insert_one(data.model_dump())


class CallsAnIdInvalid(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get("/{id:int}")
    async def get(self, rows: Rows[Task], id: RowId) -> Row:
        if id < 1:
            raise HTTPException("Not an id", status_code=400)
        return await rows.select_one(id)


class TakesAnyLimit(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get()
    async def list(self, limit: Annotated[int, QueryParameter()] = 100) -> list[Row]:
        return []


class ListsTheNewestFirst(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get()
    async def list(self, rows: Rows[Task], page: NamedDependency[Page]) -> Response[list[Row]]:
        answer: Response[list[Row]] = await ResourceController.list.fn(self, rows, page)
        answer.content.reverse()
        return answer


class TakesAParameterMore(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get("/{id:int}")
    async def get(self, rows: Rows[Task], id: RowId, nothing: Annotated[str, QueryParameter()] = "") -> Row:
        return await rows.select_one(id)


class MindsASlash(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get("/{id:int}")
    async def get(self, rows: Rows[Task], id: RowId, request: Request[Any, Any, Any]) -> Row:
        if request.scope["raw_path"].endswith(b"/"):
            raise HTTPException("Not Found", status_code=404)
        return await rows.select_one(id)


class TakesAPutOfTheList(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.put(return_dto=None)
    async def replace(self) -> None:
        pass


class TaskUpdateWithAnyNumber(TaskUpdate):
    project_id: int | None = None


class RefersToAnyNumber(ResourceController[Task, TaskCreate, TaskUpdateWithAnyNumber]):
    path = PATH


class ForgetsTheProject(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.post()
    async def create(self, rows: Rows[Task], data: JSONBody[TaskCreate]) -> Row:
        return await rows.insert_one(data.model_dump(exclude={"project_id"}))


class RemembersWhatItRead(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH
    read: ClassVar[dict[Any, Row]] = {}

    @litestar.get("/{id:int}")
    async def get(self, rows: Rows[Task], id: RowId) -> Row:
        row = await rows.select_one(id)
        return self.read.setdefault((row.user_id, id), row)


class TaskUpdateWithAnyText(TaskUpdate):
    description: str | None = None


class TakesAnyText(ResourceController[Task, TaskCreate, TaskUpdateWithAnyText]):
    path = PATH


class TrimsTheTitle(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.post()
    async def create(self, rows: Rows[Task], data: JSONBody[TaskCreate]) -> Row:
        return await rows.insert_one(data.model_dump() | {"title": data.title.strip()})


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
    Fault(SaysThatItIsElsewhere, bodies.a_new_row_is_found_where_location_says, "Location: expected"),
    Fault(WantsADescription, bodies.a_new_row_may_lack_what_has_a_default, "expected 201, got 422"),
    Fault(AcceptsAPut, bodies.put_and_patch_answer_alike, "headers of PUT and PATCH"),
    Fault(TakesNothingForAnObject, bodies.a_body_that_is_no_object_is_a_422, "put of b' ': 422 expected, 200 came"),
    Fault(IgnoresWhatItDoesNotKnow, bodies.an_unknown_field_is_a_422_that_names_it, "put with 'no such field': 422"),
    Fault(QuotesWhatWasSent, bodies.an_error_repeats_nothing_that_was_sent, "the answer repeats the value of title"),
    Fault(ChangesInSecret, isolation.a_row_is_its_creators_and_keeps_its_identity, "updated_at did not move"),
    Fault(GivesAnIdTwice, isolation.an_id_is_given_once, "the id 7 of a deleted row was given again"),
    Fault(
        WantsATitleThatNobodyHas,
        isolation.what_one_has_another_may_have_as_well,
        "expected 201, got 409",
        held_by_database=True,
    ),
    Fault(CallsAnIdInvalid, isolation.an_id_that_no_row_can_have_is_a_404, "get of 0: expected"),
    Fault(TakesAnyLimit, lists.a_page_has_its_bounds, "limit=0: 422 expected, 200 came"),
    Fault(ListsTheNewestFirst, lists.pages_lead_through_every_row_once_in_the_order_of_ids, "the pages by next"),
    Fault(TakesAParameterMore, lists.an_unknown_query_parameter_is_a_422_that_names_it, "get?nothing=1: 422 expected"),
    Fault(MindsASlash, lists.a_slash_at_the_end_changes_nothing, "get: expected"),
    Fault(TakesAPutOfTheList, lists.a_method_that_a_path_lacks_is_a_405, "PUT /api/faulty: 405 expected, 200 came"),
    Fault(RefersToAnyNumber, references.a_reference_is_an_id_that_a_row_can_have, "put: 0: the fields named"),
    Fault(ForgetsTheProject, references.a_reference_to_an_own_row_is_kept, "POST: project_id: expected"),
    Fault(RemembersWhatItRead, references.deleting_what_is_referred_to_does_what_the_table_says, "the row: expected"),
    Fault(TakesAnyText, values.a_value_of_another_type_or_size_is_a_422_that_names_its_field, "put: description"),
    Fault(TrimsTheTitle, values.a_value_that_is_taken_is_kept_to_the_letter, "POST: title: expected"),
)

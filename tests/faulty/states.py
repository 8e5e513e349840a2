"""Faults that let a client overwrite what it has not seen, or tell by it what others have."""

import litestar
from litestar import Response
from litestar.params import JSONBody

from app.core.data.errors import RowChanged
from app.core.data.rows import Row
from app.core.http.resources import ResourceController, RowId, Rows
from app.core.http.tags import ANY, IfMatch, state_in, tagged
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.conformance import states
from tests.faulty.resource import PATH, Fault


class ReadsWithoutATag(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get("/{id:int}")
    async def get(self, rows: Rows[Task], id: RowId) -> Row:
        return await rows.select_one(id)


class ChangesWhateverIsThere(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.patch("/{id:int}")
    async def update(self, rows: Rows[Task], id: RowId, data: JSONBody[TaskUpdate]) -> Row:
        return await rows.update_one(id, data.model_dump(exclude_unset=True))


class LooksFirstAndChangesThen(ResourceController[Task, TaskCreate, TaskUpdate]):
    """It does not take `*` for any state."""

    path = PATH

    @litestar.patch("/{id:int}")
    async def update(
        self, rows: Rows[Task], id: RowId, data: JSONBody[TaskUpdate], if_match: IfMatch = ""
    ) -> Response[Row]:
        row = await rows.select_one(id)
        if if_match and tagged(row).headers["ETag"] != if_match:
            raise RowChanged(Task)
        return tagged(await rows.update_one(id, data.model_dump(exclude_unset=True)))


class RefusesAStateBeforeItLooks(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.delete("/{id:int}")
    async def delete(self, rows: Rows[Task], id: RowId, if_match: IfMatch = ANY) -> None:
        if (seen := state_in(if_match)) and seen.year == 1:
            raise RowChanged(Task)
        await rows.delete_one(id, seen)


FAULTS = (
    Fault(ReadsWithoutATag, states.an_answer_that_is_one_row_has_its_tag, "GET: ETag"),
    Fault(ChangesWhateverIsThere, states.a_row_that_was_changed_meanwhile_is_left_alone, "412 expected, 200 came"),
    Fault(LooksFirstAndChangesThen, states.a_row_that_is_still_as_it_was_is_changed, "expected 200, got 412"),
    Fault(RefusesAStateBeforeItLooks, states.a_state_tells_nothing_about_rows_of_others, "404 expected, 412 came"),
)

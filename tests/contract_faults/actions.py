"""Faults in what an action changes, and in what is answered to it."""

from typing import Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from app.core.data.repository.repository import ExpectedVersions, Repository
from app.core.data.repository.rows import Row
from app.core.data.sql.changes import Changes
from app.core.data.tables.field_types import utcnow
from app.core.http.resource.actions import Action, action
from app.core.http.resource.controller import PathId, ResourceController
from app.core.http.resource.etags import with_etag
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.contract import actions, isolation
from tests.contract_faults.resource import PATH, Fault, unfiltered

FINISHED = {"completed": True, "title": "Finished"}


class _MovesTheVersionAlways(Repository[Any]):
    async def apply(self, row_id: int, changes: Changes, expected: ExpectedVersions = None) -> Row:
        return await super().apply(row_id, Changes({**changes.values, "updated_at": utcnow()}), expected)


class ActsOnARowThatIsDone(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH
    repository_type = _MovesTheVersionAlways
    finish = action("Finish it.", FINISHED)


class _IgnoresTheVersion(Repository[Any]):
    async def apply(self, row_id: int, changes: Changes, expected: ExpectedVersions = None) -> Row:
        return await super().apply(row_id, changes)


class ActsOnAnyVersion(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH
    repository_type = _IgnoresTheVersion
    finish = action("Finish it.", FINISHED)


class _ReachesEveryone(Repository[Any]):
    async def apply(self, row_id: int, changes: Changes, expected: ExpectedVersions = None) -> Row:
        async with unfiltered(self) as session:
            return await Repository.of(Task)(session=session).apply(row_id, changes, expected)


class ActsOnRowsOfEveryone(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH
    repository_type = _ReachesEveryone
    finish = action("Finish it.", FINISHED)


class _SaysNothingOfABody(Action):
    def __set_name__(self, owner: type, name: str) -> None:
        super().__set_name__(owner, name)
        self(_finish_whatever_is_sent)


async def _finish_whatever_is_sent(
    self: Any, repository: NamedDependency[SkipValidation[Repository[Any]]], id: PathId
) -> Response[Row]:
    return with_etag(await repository.apply(id, self.actions["finish"]))


_finish_whatever_is_sent.__name__ = "finish"


class ActsWhateverIsSent(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH
    finish = _SaysNothingOfABody("Finish it.", FINISHED, None)


class _ForgetsTheRow(Repository[Any]):
    async def apply(self, row_id: int, changes: Changes, expected: ExpectedVersions = None) -> Row:
        row = await self.select_one(row_id)
        return msgspec.structs.replace(row, **changes.values)


class ActsWithoutAnEffect(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH
    repository_type = _ForgetsTheRow
    finish = action("Finish it.", FINISHED)


FAULTS = (
    Fault(ActsOnARowThatIsDone, actions.an_action_returns_the_row_after_the_change, "finish: the same version"),
    Fault(ActsWithoutAnEffect, actions.an_action_returns_the_row_after_the_change, "finish: read: expected"),
    Fault(ActsOnAnyVersion, actions.an_action_on_another_version_is_a_412, "finish: the row: expected"),
    Fault(ActsWhateverIsSent, actions.an_action_refuses_a_body, "finish of b'{}': expected 422, got 200"),
    Fault(
        ActsOnRowsOfEveryone,
        isolation.another_users_row_is_like_a_missing_row,
        "finish of another user's row and of a missing row",
        held_by_database=True,
    ),
    Fault(
        ActsOnRowsOfEveryone,
        isolation.another_user_changes_nothing,
        "the rows after a stranger's finish",
        held_by_database=True,
    ),
)

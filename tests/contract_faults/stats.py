"""Faults in the figures of a resource."""

from typing import Any

from litestar.di import NamedDependency
from litestar.params import SkipValidation
from msgspec import Struct
from msgspec.structs import replace

from app.core.data.repository.figures import FiguresReader, FiguresRequest
from app.core.data.repository.repository import Repository
from app.core.http.resource.controller import ResourceController
from app.core.http.resource.parameters import ParametersProvider
from app.core.http.resource.stats import count, figures
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.contract import stats
from tests.contract_faults.resource import PATH, Fault, Faultless, unfiltered

Tasks = ResourceController[Task, TaskCreate, TaskUpdate]


class _IgnoresFilters(Repository[Any]):
    async def select_figures(self, reader: FiguresReader, request: FiguresRequest) -> Struct:
        return await super().select_figures(reader, FiguresRequest(request.group))


class CountsRowsThatDoNotMatch(Faultless):
    repository_type = _IgnoresFilters


class _TurnsGroupsAround(Repository[Any]):
    async def select_figures(self, reader: FiguresReader, request: FiguresRequest) -> Struct:
        found: Any = await super().select_figures(reader, request)
        turned: Struct = replace(found, groups=found.groups[::-1]) if request.group else found
        return turned


class SortsGroupsBackwards(Faultless):
    repository_type = _TurnsGroupsAround


class _ReachesEveryone(Repository[Any]):
    async def select_figures(self, reader: FiguresReader, request: FiguresRequest) -> Struct:
        async with unfiltered(self) as session:
            return await Repository.of(Task)(session=session).select_figures(reader, request)


class CountsRowsOfEveryone(Faultless):
    repository_type = _ReachesEveryone


def _all_rows(repository: NamedDependency[SkipValidation[Repository[Any]]]) -> FiguresRequest:
    return FiguresRequest()


class TakesPages(Tasks):
    path = PATH
    stats = figures(total=count("All."), group_by=("completed",))
    dependencies = {"figures_request": ParametersProvider(_all_rows, lambda: Faultless.lists.parameters)}  # noqa: RUF012


FAULTS = (
    Fault(CountsRowsThatDoNotMatch, stats.figures_are_those_of_the_list, "/stats?id="),
    Fault(SortsGroupsBackwards, stats.groups_divide_the_rows, "the groups: expected"),
    Fault(CountsRowsOfEveryone, stats.rows_of_others_change_no_figure, "with rows of others", True),
    Fault(TakesPages, stats.figures_refuse_what_chooses_no_rows, "limit=1: expected 422, got 200"),
)

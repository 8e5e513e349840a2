"""Faults in the query of a list."""

from typing import Annotated

import litestar
from litestar import Response
from litestar.params import QueryParameter
from msgspec.structs import replace
from sqlalchemy import func, select

from app.core.data.repository.rows import Row
from app.core.http.resource.controller import PageRequestDependency, RepositoryDependency, ResourceController
from app.core.http.resource.pages import ListRequest, page_response
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.contract import filters, orders
from tests.contract_faults.resource import PATH, Fault, unfiltered

Rows = Response[list[Row]]


class Changing(ResourceController[Task, TaskCreate, TaskUpdate]):
    """A resource that changes what a client asks for."""

    path = PATH

    @staticmethod
    def changed(request: ListRequest) -> ListRequest:
        return request

    @litestar.get()
    async def list(self, repository: RepositoryDependency[Task], page_request: PageRequestDependency) -> Rows:
        request = self.changed(page_request)
        return page_response(PATH, request, await repository.select_page(request))


class IgnoresFilters(Changing):
    @staticmethod
    def changed(request: ListRequest) -> ListRequest:
        return replace(request, conditions=(), values=())


class IgnoresTheOrder(Changing):
    @staticmethod
    def changed(request: ListRequest) -> ListRequest:
        return request if request.after or request.before else replace(request, order=())


class ForgetsWhoseCursorItIs(Changing):
    @staticmethod
    def changed(request: ListRequest) -> ListRequest:
        return replace(request, context=b"")


class GivesAllFields(Changing):
    @staticmethod
    def changed(request: ListRequest) -> ListRequest:
        return replace(request, fields=())


class TakesAnyFlag(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get()
    async def list(self, completed: Annotated[str, QueryParameter()] = "") -> list[Row]:
        return []


class CountsMatchesOfEveryone(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get()
    async def list(self, repository: RepositoryDependency[Task], page_request: PageRequestDependency) -> Rows:
        found = await repository.select_page(page_request)
        async with unfiltered(repository) as session:
            total = await session.scalar(select(func.count()).select_from(Task))
        return page_response(PATH, page_request, replace(found, total=total))


FAULTS = (
    Fault(IgnoresFilters, filters.a_filter_finds_exactly_the_rows_that_match, "GET /api/faulty?id="),
    Fault(TakesAnyFlag, filters.an_invalid_filter_is_a_422_that_names_it, "completed"),
    Fault(CountsMatchesOfEveryone, filters.rows_of_others_change_no_answer, "with rows of others", True),
    Fault(IgnoresTheOrder, orders.pages_in_any_order_contain_every_row_once, "sort=-id"),
    Fault(ForgetsWhoseCursorItIs, orders.pages_in_any_order_contain_every_row_once, "GET /api/faulty"),
    Fault(GivesAllFields, orders.fields_gives_exactly_these_fields, "fields="),
)

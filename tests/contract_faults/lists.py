"""Faults in lists, queries and paths."""

from typing import Annotated, Any

import litestar
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.params import FromPath, QueryParameter

from app.core.data.repository.rows import Row
from app.core.http.resource.controller import PageRequestDependency, PathId, RepositoryDependency, ResourceController
from app.core.http.resource.pages import page_response
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.contract import lists
from tests.contract_faults.resource import PATH, Fault


class TakesAnyLimit(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get()
    async def list(self, limit: Annotated[int, QueryParameter()] = 100) -> list[Row]:
        return []


class ListsTheNewestFirst(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get()
    async def list(
        self, repository: RepositoryDependency[Task], page_request: PageRequestDependency
    ) -> Response[list[Row]]:
        answer = page_response(PATH, page_request, await repository.select_page(page_request))
        answer.content.reverse()
        return answer


class TakesAParameterMore(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get("/{id:int}")
    async def get(
        self, repository: RepositoryDependency[Task], id: PathId, nothing: Annotated[str, QueryParameter()] = ""
    ) -> Row:
        return await repository.select_one(id)


class MindsASlash(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get("/{id:int}")
    async def get(self, repository: RepositoryDependency[Task], id: PathId, request: Request[Any, Any, Any]) -> Row:
        if request.scope["raw_path"].endswith(b"/"):
            raise HTTPException("Not Found", status_code=404)
        return await repository.select_one(id)


class ReadsIdsAsPythonDoes(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get("/{id:str}")
    async def get(self, repository: RepositoryDependency[Task], id: FromPath[str]) -> Row:
        return await repository.select_one(int(id))


class TakesAPutOfTheList(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.route(http_method=["GET", "PUT"])
    async def list(self) -> list[Row]:
        return []


FAULTS = (
    Fault(TakesAnyLimit, lists.page_parameters_have_bounds, "limit=0: expected 422, got 200"),
    Fault(ListsTheNewestFirst, lists.pages_contain_every_row_once_in_the_order_of_ids, "the pages by next"),
    Fault(TakesAParameterMore, lists.an_unknown_query_parameter_is_a_422_that_names_it, "get?nothing=1: expected 422"),
    Fault(MindsASlash, lists.a_trailing_slash_changes_nothing, "get: expected"),
    Fault(ReadsIdsAsPythonDoes, lists.an_id_has_one_spelling, "get of 0_"),
    Fault(TakesAPutOfTheList, lists.a_method_that_is_not_offered_is_a_405, "PUT /api/faulty: expected 405, got 200"),
)

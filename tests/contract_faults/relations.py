"""Faults in what is added to rows."""

from typing import Any

import litestar
from litestar import Response
from msgspec.structs import replace
from sqlalchemy import func, select

from app.core.data.repository.repository import Repository
from app.core.data.repository.rows import Row
from app.core.http.resource.controller import (
    PageRequestDependency,
    PathId,
    RepositoryDependency,
    ResourceController,
    RowRequestDependency,
)
from app.core.http.resource.pages import page_response
from app.projects.models import Project
from app.projects.schemas import ProjectCreate, ProjectUpdate
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.contract import relations
from tests.contract_faults.resource import PATH, Fault, unfiltered

PROJECT: Any = Project


class ShortensTheProject(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH
    expand = ("project",)

    @litestar.get("/{id:int}")
    async def get(
        self, repository: RepositoryDependency[Task], id: PathId, row_request: RowRequestDependency
    ) -> Response[Row]:
        row: Any = await repository.select_one(id, row_request.related)
        if row_request.expand and row.project:
            row = replace(row, project={"id": row.project.id, "user_id": row.project.user_id, "name": row.project.name})
        return row_request.answer(row)


class ExpandsTheFirstProjectOfAll(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH
    expand = ("project",)

    @litestar.get("/{id:int}")
    async def get(
        self, repository: RepositoryDependency[Task], id: PathId, row_request: RowRequestDependency
    ) -> Response[Row]:
        row: Any = await repository.select_one(id, row_request.related)
        if row_request.expand:
            async with unfiltered(repository) as session:
                if first := await session.scalar(select(func.min(PROJECT.id))):
                    row = replace(row, project=await Repository.of(Project)(session=session).select_one(first))
        return row_request.answer(row)


class CountsTasksOfOtherProjectsToo(ResourceController[Project, ProjectCreate, ProjectUpdate]):
    path = PATH
    counts = ("tasks",)

    @litestar.get()
    async def list(
        self, repository: RepositoryDependency[Project], page_request: PageRequestDependency
    ) -> Response[list[Row]]:
        page = await repository.select_page(page_request)
        total = await repository.session.scalar(select(func.count()).select_from(Task))
        rows = [replace(row, counts={"tasks": total}) if page_request.counts else row for row in page.rows]
        return page_response(PATH, page_request, replace(page, rows=rows))


FAULTS = (
    Fault(ShortensTheProject, relations.an_expanded_row_is_that_of_its_own_get, "get: expected 'project' as"),
    Fault(ExpandsTheFirstProjectOfAll, relations.an_expanded_row_is_that_of_its_own_get, "get: expected", True),
    Fault(CountsTasksOfOtherProjectsToo, relations.counts_are_the_numbers_of_the_rows_that_refer, "the counts of the"),
)

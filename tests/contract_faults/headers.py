"""Faults in what an answer tells browsers and caches."""

import litestar
from litestar import Response

from app.core.data.repository.rows import Row
from app.core.http.resource.controller import PathId, RepositoryDependency, ResourceController
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.contract import headers
from tests.contract_faults.resource import PATH, Fault


class LetsCachesKeepRows(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH

    @litestar.get("/{id:int}")
    async def get(self, repository: RepositoryDependency[Task], id: PathId) -> Response[Row]:
        return Response(await repository.select_one(id), headers={"Cache-Control": "max-age=60"})


FAULTS = (Fault(LetsCachesKeepRows, headers.every_response_has_the_security_headers, "get: expected"),)

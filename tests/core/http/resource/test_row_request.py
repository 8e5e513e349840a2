"""What a client asks for in a row that it writes: the relations come from a second statement, which may fail."""

from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import async_sessionmaker

from app.core.data.errors import OutcomeUnknown, OwnerBusy, RowNotFound
from app.core.data.ownership.session import AppSession
from app.core.data.repository.repository import Repository
from app.core.http.resource.controller import ResourceController
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.clients import Client, assert_error
from tests.parts.applications import app_with

pytestmark = pytest.mark.any_database


class Expanding(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = "/api/expanding"
    expand = ("project",)


@pytest.mark.parametrize(
    ("error", "status"),
    [(DBAPIError(None, None, Exception()), 503), (OwnerBusy(), 503), (RowNotFound(Task), 404)],
    ids=["lost", "busy", "deleted since"],
)
async def test_a_write_without_its_relations_does_not_ask_to_be_repeated(
    monkeypatch: pytest.MonkeyPatch,
    sessions: async_sessionmaker[AppSession],
    db: AppSession,
    error: Exception,
    status: int,
) -> None:
    client = Client(app_with(Expanding, sessions), "alice")

    async def fail(*_: Any) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(Repository, "select_one", fail)
        answer = await client.post("/api/expanding?expand=project", json={"title": "Stored"})

    detail = assert_error(answer, status)["detail"]
    assert (detail == str(OutcomeUnknown())) is (status == 503)
    assert [row["title"] for row in (await client.get("/api/expanding")).json()] == ["Stored"]

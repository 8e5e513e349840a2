"""Operations: a class offers what it declares, or all that it has, and says what is wrong when it is made."""

from types import new_class
from typing import Any

import pytest
from litestar.di import NamedDependency, Provide

from app.asgi import create_app
from app.core.data.errors import InvalidDeclaration
from app.core.data.ownership.session import AppSession
from app.core.data.repository.pages import PageRequest
from app.core.data.repository.rows import Row
from app.core.data.sql.conditions import Sort
from app.core.data.tables import Owned
from app.core.http.body.dto import CreateSchema, UpdateSchema
from app.core.http.resource import documented_conflicts
from app.core.http.resource.controller import PathId, RepositoryDependency, ResourceController
from app.core.http.resource.handler import Operation
from app.tasks.models import Task, TaskFields
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.clients import Client, assert_error
from app.testing.databases import settings_for_tests
from app.testing.factories import factory_of
from tests.parts.applications import app_with

pytestmark = pytest.mark.any_database

Tasks = ResourceController[Task, TaskCreate, TaskUpdate]
STANDARD = {"list", "create", "get", "put", "update", "delete"}


class Closing:
    """A mixin with a handler and a dependency."""

    dependencies = {"moment": Provide(lambda: "now", sync_to_thread=False)}  # noqa: RUF012

    @Operation("/{id:int}/close", http_method="POST", summary="Close {a_noun}", status_code=200)
    async def close(self, repository: RepositoryDependency[Any], id: PathId, moment: NamedDependency[str]) -> Row:
        """Close one of your {nouns}."""
        return await repository.update_one(id, {"completed": moment == "now"})


class Sorting:
    """Another mixin."""

    @Operation("/by-title", http_method="GET", summary="List {nouns} by title")
    async def by_title(self, repository: RepositoryDependency[Any]) -> list[Row]:
        return (await repository.select_page(PageRequest(2, order=(Sort("title"),)))).rows


def made(*bases: Any, **body: Any) -> Any:
    return new_class("Made", bases or (Tasks,), exec_body=lambda names: names.update(path="/api/made", **body))


def test_a_class_that_declares_none_offers_all_that_it_has() -> None:
    assert made().operations == STANDARD
    assert made(Closing, Tasks).operations == {*STANDARD, "close"}
    assert made(made(), by_title=Sorting.by_title).operations == {*STANDARD, "by_title"}


@pytest.mark.parametrize(
    "bases",
    [(Closing, Sorting, Tasks), (Closing, Tasks, Sorting), (Tasks, Sorting, Closing), (Sorting, Closing, Tasks)],
)
async def test_mixins_work_in_any_order(bases: tuple[Any, ...], sessions: Any, db: AppSession) -> None:
    resource = made(*bases)
    tasks = [await factory_of(Task).create_async(user_id="alice", title=title) for title in "cab"]
    client = Client(app_with(resource, sessions), "alice")

    closed = await client.post(f"/api/made/{tasks[0].id}/close")
    listed = await client.get("/api/made/by-title")

    assert (closed.status_code, closed.json()["completed"]) == (200, True)
    assert [row["title"] for row in listed.json()] == ["a", "b"]


async def test_what_is_not_offered_is_no_route(sessions: Any, db: AppSession) -> None:
    task = await factory_of(Task).create_async(user_id="alice")
    app = app_with(made(operations={"list", "get"}), sessions)
    client = Client(app, "alice")

    assert (await client.get(f"/api/made/{task.id}")).status_code == 200
    assert [row["id"] for row in (await client.get("/api/made")).json()] == [task.id]
    for method, path in (("POST", "/api/made"), ("PUT", f"/api/made/{task.id}"), ("DELETE", f"/api/made/{task.id}")):
        answer = await client.request(method, path, json={})
        assert_error(answer, 405)
        assert "GET" in answer.headers["allow"]
        assert method not in answer.headers["allow"]


async def test_the_document_has_what_is_offered_and_its_conflicts(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = made(Closing, Tasks, operations={"list", "get", "close"})
    monkeypatch.setattr("app.asgi.INSTALLED", (resource,))
    client = Client(create_app(settings_for_tests("sqlite:///never-opened.db")), "alice")

    document = (await client.get("/schema/openapi.json")).json()

    paths = {path: set(methods) for path, methods in document["paths"].items() if path.startswith("/api")}
    assert paths == {"/api/made": {"get"}, "/api/made/{id}": {"get"}, "/api/made/{id}/close": {"post"}}
    assert document["paths"]["/api/made/{id}/close"]["post"]["summary"] == "Close a task"
    assert "TaskCreate" not in document["components"]["schemas"]


@pytest.mark.parametrize(
    ("operations", "found"), [(STANDARD, {"create", "put", "update", "delete"}), ({"list", "update"}, {"update"})]
)
def test_only_what_is_offered_can_be_a_conflict(
    monkeypatch: pytest.MonkeyPatch, operations: set[str], found: set[str]
) -> None:
    monkeypatch.setattr(documented_conflicts, "unique_constraints", lambda _: [("title",)])
    monkeypatch.setattr(documented_conflicts, "deletion_can_be_refused", lambda _: True)

    assert documented_conflicts.conflicts_of(Task, "task", operations, {}).keys() == found


def test_a_resource_that_is_only_read_needs_no_schemas() -> None:
    resource = made(ResourceController[Task, CreateSchema, UpdateSchema], operations=["list"])

    assert resource.max_page_size == made().max_page_size
    assert UpdateSchema.read_only == frozenset()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"operations": {"lists"}}, r"Made\.operations names 'lists', which is no handler: choose from create, delete"),
        ({"operations": "list, get"}, r"Made\.operations names 'list, get'"),
        ({"operations": ()}, r"Made\.operations is empty: name at least one of create"),
        (
            {"operations": {"list"}, "by_title": Sorting.by_title},
            r"Made\.operations leaves out 'by_title', which the class defines: add it",
        ),
    ],
)
def test_operations_that_cannot_be_offered_are_refused(body: dict[str, Any], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        made(**body)


def test_a_class_that_derives_from_one_with_fewer_offers_as_few() -> None:
    fewer = made(operations={"list", "get"})

    assert made(fewer).operations == {"list", "get"}
    assert made(fewer, operations={"list", "create"}).operations == {"list", "create"}


def test_a_resource_without_a_table_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Made names no table: derive it from ResourceController\[Table"):
        made(ResourceController)


def test_a_class_that_is_no_table_is_one_sentence() -> None:
    class Forgotten(TaskFields, Owned):
        """A class without table=True."""

    with pytest.raises(InvalidDeclaration, match=r"^Forgotten, of Made, is no table: add table=True to its bases\."):
        new_class("Made", (ResourceController[Forgotten, TaskCreate, TaskUpdate],))

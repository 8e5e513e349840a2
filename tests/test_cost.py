"""What a request costs: one statement, on PostgreSQL one round trip on the wire, and nothing for the collector."""

import gc
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.types import Receive, Scope, Send
from sqlalchemy.ext.asyncio import async_sessionmaker

from app.asgi import create_app
from app.core.data.ownership.session import AppSession
from app.core.data.tables.registry import table_name
from app.core.http.resource.actions import action
from app.core.http.resource.controller import ResourceController
from app.installed import INSTALLED
from app.projects.models import Project
from app.projects.schemas import ProjectCreate, ProjectUpdate
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.clients import Client, CountQueries
from app.testing.contract.operations import Operation, action_operations
from app.testing.counting import CountingProxy
from app.testing.databases import Databases, settings_for_tests
from app.testing.factories import factory_of
from tests.core.http.bodies import valid_body
from tests.parts.applications import app_with

Request = Callable[[Client, str, int, dict[str, Any]], Any]

REQUESTS: dict[str, Request] = {
    "list": lambda client, path, row_id, _: client.get(path),
    "list with a total": lambda client, path, row_id, _: client.get(path, headers={"Prefer": "count=exact"}),
    "create": lambda client, path, row_id, body: client.post(path, json=body),
    "get": lambda client, path, row_id, _: client.get(f"{path}/{row_id}"),
    "put": lambda client, path, row_id, body: client.put(f"{path}/{row_id}", json=body),
    "update": lambda client, path, row_id, body: client.patch(f"{path}/{row_id}", json=body),
    "update nothing": lambda client, path, row_id, _: client.patch(f"{path}/{row_id}", json={}),
    "delete": lambda client, path, row_id, _: client.delete(f"{path}/{row_id}"),
}
WITHOUT: dict[str, Request] = {
    "an id that no row can have": lambda client, path, row_id, _: client.get(f"{path}/0"),
    "an invalid body": lambda client, path, row_id, _: client.post(path, json={"no such field": 1}),
    "an invalid page": lambda client, path, row_id, _: client.get(f"{path}?limit=0"),
}


def _sends(operation: Operation) -> Request:
    return lambda client, path, row_id, _: client.post(path + operation.path.replace("{id}", str(row_id)))


def requests_of(controller: Any) -> dict[str, Request]:
    """Return the requests of a resource: those that all have, its actions, and its figures."""
    stats = {"stats": _stats_of(controller)} if controller.figures else {}
    return REQUESTS | {operation.name: _sends(operation) for operation in action_operations(controller)} | stats


def _stats_of(controller: Any) -> Request:
    group = next((f"?group={name}" for name in controller.figures.group_by), "")
    return lambda client, path, row_id, _: client.get(f"{path}/stats{group}")


CASES = [(controller, name) for controller in INSTALLED for name in requests_of(controller)]
requests = pytest.mark.parametrize(
    ("controller", "name"), CASES, ids=[f"{name}-{table_name(controller.model)}" for controller, name in CASES]
)
controllers = pytest.mark.parametrize("controller", INSTALLED, ids=lambda controller: table_name(controller.model))


@requests
async def test_a_request_is_one_statement(
    name: str, controller: Any, client: Client, db: AppSession, count_queries: CountQueries
) -> None:
    row = await factory_of(controller.model).create_async(user_id="alice")
    body = await valid_body(client, controller)
    with count_queries() as executed:
        response = await requests_of(controller)[name](client, controller.path, row.id or 0, body)

    assert response.is_success
    assert len(executed) == 1, executed


class TasksWithProjects(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = "/api/costly"
    expand = ("project",)
    done = action("Mark it as done.", {"completed": True})


class ProjectsWithCounts(ResourceController[Project, ProjectCreate, ProjectUpdate]):
    path = "/api/costly"
    counts = ("tasks",)


RELATED = {TasksWithProjects: "expand=project&fields=title", ProjectsWithCounts: "counts=tasks"}


@pytest.mark.parametrize("count", [1, 60])
@pytest.mark.parametrize("controller", RELATED)
async def test_rows_with_relations_are_one_statement_however_many_they_are(
    controller: Any,
    count: int,
    sessions: async_sessionmaker[AppSession],
    db: AppSession,
    count_queries: CountQueries,
) -> None:
    project = await factory_of(Project).create_async(user_id="alice")
    rows = await factory_of(Task).create_batch_async(count, user_id="alice", project_id=project.id)
    row_id = rows[0].id if controller is TasksWithProjects else project.id
    client = Client(app_with(controller, sessions), "alice")
    with count_queries() as executed:
        page = await client.get(f"{controller.path}?{RELATED[controller]}&limit=50&sort=-id")
        row = await client.get(f"{controller.path}/{row_id}?{RELATED[controller]}")

    assert (page.is_success, row.is_success, len(executed)) == (True, True, 2), executed
    assert row.json().get("counts", {"tasks": count}) == {"tasks": count}


async def test_a_write_that_answers_with_relations_is_two_statements(
    sessions: async_sessionmaker[AppSession], db: AppSession, count_queries: CountQueries
) -> None:
    client = Client(app_with(TasksWithProjects, sessions), "alice")
    with count_queries() as executed:
        created = await client.post("/api/costly?expand=project", json={"title": "Milk"})
        done = await client.post(f"/api/costly/{created.json()['id']}/done?expand=project")

    assert (created.json()["project"], done.json()["completed"], len(executed)) == (None, True, 4), executed


@controllers
@pytest.mark.parametrize("name", WITHOUT)
async def test_what_is_refused_before_the_database_is_no_statement(
    name: str, controller: Any, client: Client, db: AppSession, count_queries: CountQueries
) -> None:
    with count_queries() as executed:
        response = await WITHOUT[name](client, controller.path, 0, {})

    assert response.is_client_error
    assert executed == []


@controllers
async def test_a_change_of_a_state_is_one_statement_and_its_refusal_two(
    controller: Any, client: Client, db: AppSession, count_queries: CountQueries
) -> None:
    row = await factory_of(controller.model).create_async(user_id="alice")
    path = f"{controller.path}/{row.id}"
    seen = {"If-Match": (await client.get(path)).headers["etag"]}
    body, other = await valid_body(client, controller), await valid_body(client, controller)
    with count_queries() as changing:
        changed = await client.patch(path, json=body, headers=seen)
    with count_queries() as repeating:
        repeated = await client.patch(path, json=body, headers=seen)
    with count_queries() as refused:
        stale = await client.patch(path, json=other, headers=seen)

    assert (changed.status_code, len(changing)) == (200, 1)
    assert (repeated.status_code, len(repeating)) == (200, 2)
    assert (stale.status_code, len(refused)) == (412, 2)


@pytest.mark.any_database
async def test_no_request_starts_tasks_for_what_it_depends_on(live_app: Litestar) -> None:
    """Litestar resolves dependencies that know nothing of each other in tasks, which takes as long as a query."""
    routes = [route for route in live_app.routes if isinstance(route, HTTPRoute)]
    batches = {
        f"{method} {route.path}": [len(batch) for batch in model.dependency_batches]
        for route in routes
        for method, (_, model) in route.route_handler_map.items()
    }

    assert any(batches.values())
    assert {name for name, sizes in batches.items() if any(size > 1 for size in sizes)} == set()


@pytest.fixture(params=["owner", "restricted"], scope="module")
async def proxied(
    request: pytest.FixtureRequest, postgres: Databases, restricted: Databases
) -> AsyncIterator[tuple[CountingProxy, Client]]:
    """The application behind a proxy that counts, with a connection that is open; with and without the policies."""
    source = restricted if request.param == "restricted" else postgres
    async with CountingProxy(source.fresh()).serve() as proxy:
        app = create_app(settings_for_tests(proxy.url))
        async with app.lifespan():
            client = Client(app, "alice")
            await client.get("/health/ready")
            yield proxy, client


@requests
async def test_a_request_is_one_round_trip(name: str, controller: Any, proxied: tuple[CountingProxy, Client]) -> None:
    proxy, client = proxied
    body = await valid_body(client, controller)
    row_id = (await client.post(controller.path, json=body)).json()["id"]
    before = proxy.round_trips
    response = await requests_of(controller)[name](client, controller.path, row_id, body)

    assert response.is_success
    assert proxy.round_trips - before == 1


async def test_the_proxy_can_count_more_than_one(proxied: tuple[CountingProxy, Client]) -> None:
    proxy, client = proxied
    before = proxy.round_trips
    for _ in range(3):
        await client.get(INSTALLED[0].path)

    assert proxy.round_trips - before == 3


@requests
async def test_a_request_leaves_no_cycle(
    name: str, controller: Any, proxied: tuple[CountingProxy, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `serve()` relies on, which lets the collector of cycles look rarely."""
    _, client = proxied
    transport: Any = client._transport
    app, found = transport.app, list[int]()

    async def collecting(scope: Scope, receive: Receive, send: Send) -> None:
        gc.freeze()
        gc.disable()
        try:
            await app(scope, receive, send)
            found.append(gc.collect())
        finally:
            gc.enable()
            gc.unfreeze()

    body = await valid_body(client, controller)
    for _ in range(2):  # the first one makes what stays
        row_id = (await client.post(controller.path, json=body)).json()["id"]
        with monkeypatch.context() as patch:
            patch.setattr(transport, "app", collecting)
            response = await requests_of(controller)[name](client, controller.path, row_id, body)

    assert response.is_success
    assert found[-1] == 0

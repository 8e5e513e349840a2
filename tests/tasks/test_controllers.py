"""A task's life over HTTP, as the contract has it; what holds for every resource is swept elsewhere."""

from datetime import UTC, datetime

import pytest

from app.core.data.ownership.session import AppSession
from app.tasks.factories import TaskFactory
from app.testing.clients import Client, assert_error

FIELDS = ["id", "user_id", "title", "description", "completed", "project_id", "created_at", "updated_at"]


async def test_a_task_lives_from_post_to_delete(client: Client) -> None:
    created = await client.post("/api/tasks", json={"title": "Buy milk"})
    task = created.json()
    path = created.headers["location"]

    assert created.status_code == 201
    assert path == f"/api/tasks/{task['id']}"
    assert list(task) == FIELDS
    assert task | {"id": 0, "created_at": "", "updated_at": ""} == {
        "id": 0,
        "user_id": "alice",
        "title": "Buy milk",
        "description": None,
        "completed": False,
        "project_id": None,
        "created_at": "",
        "updated_at": "",
    }
    assert (await client.get(path)).json() == task
    assert (await client.get("/api/tasks")).json() == [task]

    done = (await client.patch(path, json={"completed": True})).json()
    assert datetime.fromisoformat(done["updated_at"]) > datetime.fromisoformat(task["updated_at"])
    assert done == task | {"completed": True, "updated_at": done["updated_at"]}

    gone = await client.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert_error(await client.get(path), 404)
    assert_error(await client.delete(path), 404)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_only_what_is_sent_is_changed(method: str, client: Client, db: AppSession) -> None:
    task = await TaskFactory.create_async(user_id="alice", title="old", description="keep", completed=True)
    changed = (await client.request(method, f"/api/tasks/{task.id}", json={"title": "new"})).json()

    assert (changed["title"], changed["description"], changed["completed"]) == ("new", "keep", True)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_an_empty_object_changes_nothing(method: str, client: Client, db: AppSession) -> None:
    task = await TaskFactory.create_async(user_id="alice")
    before = (await client.get(f"/api/tasks/{task.id}")).json()
    answer = await client.request(method, f"/api/tasks/{task.id}", json={})

    assert answer.status_code == 200
    assert answer.json() == before


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_null_clears_a_field_that_may_be_empty_and_no_other(method: str, client: Client, db: AppSession) -> None:
    task = await TaskFactory.create_async(user_id="alice", title="keep", description="drop")
    path = f"/api/tasks/{task.id}"

    assert (await client.request(method, path, json={"description": None})).json()["description"] is None
    for field in ("title", "completed"):
        assert_error(await client.request(method, path, json={field: None}), 422)
    assert (await client.get(path)).json()["title"] == "keep"


@pytest.mark.parametrize("title", ["", " ", "\t\n ", "x" * 201, "a\x00b", None, 1, True, ["x"], {"x": 1}])
async def test_a_title_has_1_to_200_characters_and_says_something(title: object, client: Client) -> None:
    body = assert_error(await client.post("/api/tasks", json={"title": title}), 422)

    assert body["errors"][0]["loc"] == ["body", "title"]


@pytest.mark.parametrize("title", ["x", "x" * 200, "Ü" * 200, "🥛" * 200, "a\nb", "' OR 1=1 --", "100%_\\"])
async def test_any_other_text_is_kept_to_the_letter(title: str, client: Client) -> None:
    created = await client.post("/api/tasks", json={"title": title, "description": title * 5})

    assert created.status_code == 201
    read = (await client.get(created.headers["location"])).json()
    assert (read["title"], read["description"]) == (title, title * 5)


@pytest.mark.parametrize("field", ["id", "user_id", "created_at", "updated_at"])
async def test_what_the_server_gives_cannot_be_sent(field: str, client: Client) -> None:
    body = assert_error(await client.post("/api/tasks", json={"title": "x", field: 1}), 422)

    assert body["errors"][0]["loc"] == ["body", field]


async def test_times_are_utc_with_a_z(client: Client) -> None:
    before = datetime.now(UTC)
    task = (await client.post("/api/tasks", json={"title": "x"})).json()

    assert task["created_at"].endswith("Z")
    assert before <= datetime.fromisoformat(task["created_at"]) <= datetime.now(UTC)
    assert task["created_at"] == task["updated_at"]

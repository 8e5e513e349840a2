"""A task's life over HTTP, as the contract has it; what every resource does is said by the contract."""

from datetime import UTC, datetime

import pytest

from app.testing.clients import Client, assert_error

FIELDS = ["id", "user_id", "title", "description", "completed", "project_id", "created_at", "updated_at"]


async def test_a_task_is_created_read_changed_and_deleted(client: Client) -> None:
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


@pytest.mark.parametrize("title", ["", " ", "\t\n ", "x" * 201])
async def test_a_blank_or_too_long_title_is_refused(title: object, client: Client) -> None:
    body = assert_error(await client.post("/api/tasks", json={"title": title}), 422)

    assert body["errors"][0]["loc"] == ["body", "title"]


@pytest.mark.parametrize("title", ["x", "x" * 200, "Ü" * 200, "🥛" * 200, "a\nb", "' OR 1=1 --", "100%_\\"])
async def test_any_other_title_is_stored_unchanged(title: str, client: Client) -> None:
    created = await client.post("/api/tasks", json={"title": title, "description": title * 5})

    assert created.status_code == 201
    read = (await client.get(created.headers["location"])).json()
    assert (read["title"], read["description"]) == (title, title * 5)


async def test_times_are_utc_with_a_z(client: Client) -> None:
    before = datetime.now(UTC)
    task = (await client.post("/api/tasks", json={"title": "x"})).json()

    assert task["created_at"].endswith("Z")
    assert before <= datetime.fromisoformat(task["created_at"]) <= datetime.now(UTC)
    assert task["created_at"] == task["updated_at"]

"""A task's life, as the contract has it."""

from app.core.data.session import AppSession
from app.tasks.factories import TaskFactory
from app.testing.callers import Client, assert_error


async def test_a_task_lives_from_post_to_delete(client: Client) -> None:
    created = await client.post("/api/tasks", json={"title": "Buy milk"})

    assert created.status_code == 201
    task = created.json()
    assert list(task) == ["id", "user_id", "title", "description", "completed", "created_at", "updated_at"]
    assert created.headers["location"] == f"/api/tasks/{task['id']}"


async def test_x(client: Client, db: AppSession) -> None:
    rows = await TaskFactory.create_batch_async(3, user_id="alice")
    assert len({r.id for r in rows}) == 3
    listed = await client.get("/api/tasks")
    assert [t["id"] for t in listed.json()] == [r.id for r in rows]
    assert_error(await client.get("/api/tasks/0"), 404)

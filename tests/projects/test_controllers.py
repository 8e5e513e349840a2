"""Projects over HTTP, and the tasks that belong to them."""

import pytest

from app.core.data.ownership.session import AppSession
from app.projects.factories import ProjectFactory
from app.tasks.factories import TaskFactory
from app.testing.clients import Client, assert_error
from app.testing.contract.answers import seen_in


async def test_a_task_belongs_to_a_project_of_its_owner(client: Client, db: AppSession) -> None:
    project = await ProjectFactory.create_async(user_id="alice")
    created = await client.post("/api/tasks", json={"title": "Pack", "project_id": project.id})

    assert created.status_code == 201
    assert created.json()["project_id"] == project.id


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_anothers_project_is_the_same_error_as_none(method: str, client: Client, db: AppSession) -> None:
    theirs = await ProjectFactory.create_async(user_id="mallory")
    task = await TaskFactory.create_async(user_id="alice")
    path = "/api/tasks" if method == "POST" else f"/api/tasks/{task.id}"
    answers = [
        await client.request(method, path, json={"title": "Pack", "project_id": project_id})
        for project_id in (theirs.id, 10**12)
    ]

    for answer in answers:
        assert_error(answer, 422)
    assert seen_in(answers[0]) == seen_in(answers[1])


async def test_the_tasks_of_a_deleted_project_stay(client: Client, db: AppSession) -> None:
    project = await ProjectFactory.create_async(user_id="alice")
    task = await TaskFactory.create_async(user_id="alice", project_id=project.id)
    other = await TaskFactory.create_async(
        user_id="alice", project_id=(await ProjectFactory.create_async(user_id="alice")).id
    )

    assert (await client.delete(f"/api/projects/{project.id}")).status_code == 204
    assert (await client.get(f"/api/tasks/{task.id}")).json()["project_id"] is None
    assert (await client.get(f"/api/tasks/{other.id}")).json()["project_id"] == other.project_id


@pytest.mark.parametrize("project_id", [0, -1, 2**63, 10**30, "1", 1.5, True])
async def test_a_project_id_is_one_that_a_row_can_have(project_id: object, client: Client) -> None:
    body = assert_error(await client.post("/api/tasks", json={"title": "x", "project_id": project_id}), 422)

    assert body["errors"][0]["loc"] == ["body", "project_id"]

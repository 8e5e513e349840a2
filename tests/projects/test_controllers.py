"""Projects over HTTP, and the tasks that belong to them."""

from app.core.data.ownership.session import AppSession
from app.projects.factories import ProjectFactory
from app.tasks.factories import TaskFactory
from app.testing.clients import Client


async def test_the_tasks_of_a_deleted_project_stay(client: Client, db: AppSession) -> None:
    project = await ProjectFactory.create_async(user_id="alice")
    task = await TaskFactory.create_async(user_id="alice", project_id=project.id)
    other = await TaskFactory.create_async(
        user_id="alice", project_id=(await ProjectFactory.create_async(user_id="alice")).id
    )

    assert (await client.delete(f"/api/projects/{project.id}")).status_code == 204
    assert (await client.get(f"/api/tasks/{task.id}")).json()["project_id"] is None
    assert (await client.get(f"/api/tasks/{other.id}")).json()["project_id"] == other.project_id

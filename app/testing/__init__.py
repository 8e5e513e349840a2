"""The guide for test authors.

`conftest.py` loads the fixtures: `pytest_plugins = ["app.testing.plugin"]`. Each test with a database runs on SQLite,
on PostgreSQL, and on PostgreSQL with row level security (`--db` chooses). Its changes are undone. Two examples:

    from app.core.data.ownership.session import AppSession
    from app.projects.factories import ProjectFactory
    from app.tasks.factories import TaskFactory
    from app.testing.clients import ClientFor, Client, CountQueries, assert_error


    async def test_a_list_is_one_query(client: Client, db: AppSession, count_queries: CountQueries) -> None:
        project = await ProjectFactory.create_async(user_id="alice")
        tasks = await TaskFactory.create_batch_async(3, user_id="alice", project_id=project.id)

        with count_queries() as queries:
            answer = await client.get("/api/tasks")

        assert [task["id"] for task in answer.json()] == [task.id for task in tasks]
        assert len(queries) == 1


    async def test_a_task_is_private(as_user: ClientFor, anonymous: Client, db: AppSession) -> None:
        task = await TaskFactory.create_async(user_id="alice")

        assert (await as_user("alice").get(f"/api/tasks/{task.id}")).status_code == 200
        assert_error(await as_user("bob").get(f"/api/tasks/{task.id}"), 404)
        assert_error(await anonymous.get(f"/api/tasks/{task.id}"), 401)

`client` sends a token of alice, `as_user("bob")` makes a client with a token of bob, and `anonymous` sends no token.
`db` is a session that reads and writes the rows of all users. Factories store rows through it, so a test that stores
rows must request `db`. A factory makes rows that obey all rules of their table; if a required reference is not given,
it stores a row of the same user for it. `test_contract = contract_of(INSTALLED)` tests the contract of all resources
(`app.testing.contract`).
"""

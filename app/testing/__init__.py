"""What a test suite imports: fixtures, factories, callers, and the contract as tests.

One line in `conftest.py` loads the fixtures: `pytest_plugins = ["app.testing.plugin"]`. Then a test is like these two,
and runs on SQLite, on PostgreSQL, and on PostgreSQL behind row level security (`--db` chooses); what it does is undone:

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


    async def test_tasks_are_their_owners(as_user: ClientFor, anonymous: Client, db: AppSession) -> None:
        task = await TaskFactory.create_async(user_id="alice")

        assert (await as_user("alice").get(f"/api/tasks/{task.id}")).status_code == 200
        assert_error(await as_user("bob").get(f"/api/tasks/{task.id}"), 404)
        assert_error(await anonymous.get(f"/api/tasks/{task.id}"), 401)

`client` calls as alice, `as_user` as anybody, `anonymous` without a token. Factories make rows within every rule of
their table and store them through `db`, which sees what everybody has; what a row must refer to comes with it, for the
same user. `test_contract = contract_of(INSTALLED)` holds resources to the contract, in `.contract`.
"""

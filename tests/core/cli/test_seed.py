"""`app seed`: as many rows as were asked for, the same for the same number, each within its rules and its owner."""

import json
from collections import Counter
from typing import Any

import pytest

from app.core.data.tables.registry import sorted_owned_models
from app.tasks.schemas import TaskCreate
from app.testing.databases import Databases, PostgresDatabases, SqliteDatabases
from tests.core.cli.conftest import Invoke
from tests.parts.tables import models_with

TABLES = [str(model.__tablename__) for model in sorted_owned_models()]


def rows_in(invoke: Invoke, url: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in invoke("dumpdata", DATABASE_URL=url).stdout_bytes.splitlines()]


def test_every_table_gets_rows_of_every_user(invoke: Invoke, databases: Databases) -> None:
    url = databases.for_owner(databases.fresh())
    result = invoke("seed", "--users", "2", "--per-user", "30", DATABASE_URL=url)

    assert (result.exit_code, result.output) == (0, "".join(f"{table}: 60 added\n" for table in TABLES))
    rows = rows_in(invoke, url)
    owners = Counter((found["table"], found["row"]["user_id"]) for found in rows)
    assert owners == {(table, user): 30 for table in TABLES for user in ("user1", "user2")}
    projects = {found["row"]["id"]: found["row"]["user_id"] for found in rows if found["table"] == "projects"}
    tasks = [found["row"] for found in rows if found["table"] == "tasks"]
    assert {projects[task["project_id"]] == task["user_id"] for task in tasks if task["project_id"]} == {True}
    assert len({task["project_id"] for task in tasks}) > 10
    for task in tasks:
        TaskCreate.model_validate({name: task[name] for name in TaskCreate.model_fields})


def test_the_same_number_is_the_same_rows_on_every_database(
    invoke: Invoke, sqlite_databases: SqliteDatabases, postgres: PostgresDatabases
) -> None:
    def seeded(url: str, *options: str) -> bytes:
        invoke("seed", "--per-user", "5", *options, DATABASE_URL=url)
        return invoke("dumpdata", DATABASE_URL=url).stdout_bytes

    first = seeded(sqlite_databases.fresh(), "--seed", "7")

    assert first.count(b"\n") == 3 * 5 * len(TABLES)
    assert seeded(postgres.fresh(), "--seed", "7") == first
    assert seeded(sqlite_databases.fresh(), "--seed", "8") != first
    assert seeded(sqlite_databases.fresh()) != seeded(sqlite_databases.fresh())


def test_what_is_stored_stays_and_new_ids_follow(invoke: Invoke, databases: Databases) -> None:
    url = databases.for_owner(databases.fresh())
    for _ in range(2):
        assert invoke("seed", "--user", "alice", "--per-user", "3", DATABASE_URL=url).exit_code == 0

    rows = [(found["table"], found["row"]["id"], found["row"]["user_id"]) for found in rows_in(invoke, url)]
    assert rows == [(table, number, "alice") for table in TABLES for number in range(1, 7)]


def test_production_is_not_seeded_by_mistake(invoke: Invoke, sqlite_databases: SqliteDatabases) -> None:
    environment = {"APP_ENV": "production", "ALLOWED_HOSTS": "api.example", "DATABASE_URL": sqlite_databases.fresh()}
    refused = invoke("seed", **environment)

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == "Error: this is production; use --yes to add invented rows to it\n"
    assert rows_in(invoke, environment["DATABASE_URL"]) == []
    assert invoke("seed", "--yes", **environment).exit_code == 0


@pytest.mark.parametrize("options", [["--users", "0"], ["--per-user", "-1"], ["--user", " "], ["--seed", "x"]])
def test_an_option_that_makes_no_sense_is_a_usage_error(invoke: Invoke, options: list[str]) -> None:
    result = invoke("seed", *options)

    assert result.exit_code == 2
    assert result.output.splitlines()[-1].startswith("Error: Invalid value for ")


def test_where_no_row_can_be_the_first_one_nothing_is_seeded(invoke: Invoke, sqlite_databases: SqliteDatabases) -> None:
    url = sqlite_databases.fresh()
    with models_with(("hens", {"egg_id": "eggs"}), ("eggs", {"hen_id": "hens"})):
        result = invoke("seed", DATABASE_URL=url)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "Error: No row can be the first one, because each needs another: eggs.hen_id, hens.egg_id. "
        "Let one of these references be empty: `RowId | None`.\n"
    )
    assert rows_in(invoke, url) == []

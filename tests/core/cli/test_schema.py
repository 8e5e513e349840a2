"""`app schema` and `app routes`: what they write is what is served."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.__main__ import main
from app.settings import load_settings
from app.testing.clients import Client
from app.testing.databases import SECRET
from tests.core.cli.conftest import Invoke


@pytest.mark.any_database
async def test_the_document_is_the_one_that_is_served(invoke: Invoke, anonymous: Client) -> None:
    result = invoke("schema")

    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == (await anonymous.get("/schema/openapi.json")).json()


def test_a_schema_goes_to_a_file(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    result = invoke("schema", "--output", str(path))

    assert (result.exit_code, result.output) == (0, "")
    assert path.read_text() == invoke("schema").stdout


@pytest.mark.parametrize(("answer", "is_written"), [("n\n", False), ("", False), ("y\n", True)])
def test_a_file_is_overwritten_after_asking(invoke: Invoke, tmp_path: Path, answer: str, is_written: bool) -> None:
    path = tmp_path / "api.json"
    path.write_text("Dear client")
    invoke("schema")  # for the environment that it clears
    load_settings.cache_clear()
    arguments = ["schema", "--output", str(path)]
    result = CliRunner().invoke(main, arguments, input=answer, env={"BETTER_AUTH_SECRET": SECRET})

    assert result.exit_code == (0 if is_written else 1)
    assert (path.read_text() != "Dear client") is is_written


def test_a_file_is_overwritten_without_asking_where_that_was_said(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    path.write_text("Dear client")

    assert invoke("schema", "--output", str(path), "--yes").exit_code == 0
    assert json.loads(path.read_text())["openapi"].startswith("3.1")


def test_a_file_that_cannot_be_written_is_one_line(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("schema", "--output", str(tmp_path / "no" / "folder"))

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: cannot write ")
    assert result.stderr.count("\n") == 1


def test_routes_are_listed_with_who_may_call_them(invoke: Invoke) -> None:
    result = invoke("routes")

    assert result.exit_code == 0
    routes = [tuple(line.split()) for line in result.stdout.splitlines()]
    assert ("GET", "/api/tasks", "tasks_list", "private") in routes
    assert ("DELETE", "/api/projects/{id:int}", "projects_delete", "private") in routes
    assert ("GET", "/health", "health", "public") in routes
    assert {path for _, path, _, access in routes if access == "public"} == {
        path for _, path, _, _ in routes if not path.startswith("/api")
    }

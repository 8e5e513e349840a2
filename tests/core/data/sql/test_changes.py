"""Changes that a noun declares: they are checked with the class, and a mistake is one sentence with its remedy."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import bindparam, func, null, select, text

from app.core.data.errors import InvalidDeclaration
from app.core.data.sql.changes import changes_of
from app.core.data.tables import now
from app.projects.models import Project
from app.tasks.models import Task

pytestmark = pytest.mark.any_database

TASK: Any = Task
PROJECT: Any = Project


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({}, r'^Made\.act changes nothing; name a field and its new value, such as {"completed": True}\.$'),
        ({"colour": "red"}, "changes 'colour', which is no field of Task; its fields are title, description, complet"),
        ({"id": 1}, "changes 'id', which only the server sets; leave it out"),
        ({"user_id": "mallory"}, "changes 'user_id', which only the server sets"),
        ({"created_at": now()}, "changes 'created_at', which only the server sets"),
        ({"updated_at": now()}, "changes 'updated_at', which only the server sets"),
        ({"title": ""}, r"gives 'title' '', which is invalid: String should have at least 1 character\."),
        ({"title": " "}, "String should not be blank"),
        ({"title": "x" * 201}, "String should have at most 200 characters"),
        ({"title": None}, "gives 'title' None, which is invalid"),
        ({"completed": 1}, "Input should be a valid boolean"),
        ({"project_id": 0}, "greater than or equal to 1"),
        ({"title": text("x")}, "which is invalid: it is no JSON value"),
        ({"title": object()}, "which is invalid: it is no JSON value"),
        (
            {"created": 1, "title": datetime.now(UTC)},
            "changes 'created', which is no field",
        ),
        ({"title": datetime.now(UTC)}, r"gives 'title' the time at which the process started; write now\(\)"),
        ({"title": datetime.now(UTC).date()}, r"or func\.current_date\(\)\.$"),
        ({"completed": TASK.id + 1}, r"gives 'completed' an expression of type BigInteger\(\); cast it to Boolean\(\)"),
        ({"title": now()}, "an expression of type UTCDateTime"),
        ({"title": PROJECT.name}, r"reads projects for 'title'; write a scalar_subquery\(\)"),
        ({"title": func.pg_read_file("x")}, r"is no SQL for this table: The function pg_read_file\(\)"),
        ({"completed": TASK.title.in_(["a"])}, r"with a list, or without a value for a parameter; compare with == and"),
        ({"title": TASK.title + bindparam("more")}, "without a value for a parameter"),
    ],
)
def test_a_wrong_change_is_refused(declared: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidDeclaration, match=words) as found:
        changes_of(Task, declared, "Made.act")

    assert str(found.value).startswith("Made.act ")


def test_fixed_values_and_expressions_are_told_apart() -> None:
    name = select(PROJECT.name).where(PROJECT.id == TASK.project_id).scalar_subquery()
    declared = {"title": func.coalesce(name, TASK.title), "completed": True, "description": null(), "project_id": None}
    changes = changes_of(Task, declared, "Made.act")

    assert changes.values == {"completed": True, "project_id": None}
    assert [field for field, _ in changes.expressions] == ["description", "title"]
    assert changes.fields == set(declared)


def test_a_function_gets_the_class() -> None:
    changes = changes_of(Task, lambda task: {"completed": ~task.completed, "title": task.__name__}, "Made.act")

    assert changes.values == {"title": "Task"}
    assert changes.fields == {"completed", "title"}

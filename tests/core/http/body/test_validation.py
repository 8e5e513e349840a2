"""What is wrong with a body, read at a price that does not grow with the number of mistakes."""

import json
import tracemalloc
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from app.core.http.body.validation import first_errors
from app.testing.clients import Client, assert_error

pytestmark = pytest.mark.any_database

MANY = 90_000  # wrong fields are nearly 1 MB, which is as much as a body may have


class Body(BaseModel, extra="forbid", strict=True):
    """What a client may send."""

    name: str
    tags: list[int] = []
    more: "Body | None" = None


def refusal_of(body: Any) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Body.model_validate_json(json.dumps(body))
    return caught.value


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"name": 1},
        {"name": "a", "tags": [1, "b", None]},
        {"name": "a", "more": {"name": 1, 'w"é\n': 2}},
        {"name": "a", "x": 1, "y": 2, "z": 3},
    ],
)
def test_the_first_mistakes_are_those_of_pydantic(body: Any) -> None:
    refusal = refusal_of(body)
    expected = [(list(each["loc"]), each["msg"], each["type"]) for each in refusal.errors()]
    assert [(each.loc, each.msg, each.type) for each in first_errors(refusal, 2)] == expected[:2]


def test_what_is_not_json_at_all_is_one_mistake() -> None:
    with pytest.raises(ValidationError) as caught:
        Body.model_validate_json("{")
    assert [each.type for each in first_errors(caught.value, 20)] == ["json_invalid"]


async def test_a_body_full_of_mistakes_costs_little(client: Client) -> None:
    """Counted in bytes, because time is noisy: 100,000 mistakes as Python objects were 70 MB and half a second."""
    body = json.dumps({f"k{number:05}": 1 for number in range(MANY)}, separators=(",", ":"))
    tracemalloc.start()
    try:
        answer = await client.patch("/api/tasks/1", content=body, headers={"content-type": "application/json"})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    problem = assert_error(answer, 422)
    assert problem["detail"] == f"k00000: Extra inputs are not permitted (+{MANY - 1} more)"
    assert len(problem["errors"]) == 20
    assert peak < 25_000_000, peak


@pytest.mark.parametrize("name", ["title", "description"])
async def test_a_text_that_is_too_long_is_said_to_be_whether_it_is_required_or_not(client: Client, name: str) -> None:
    longest = {"title": 200, "description": 10_000}[name]
    answer = await client.post("/api/tasks", json={"title": "x", name: "x" * (longest + 1)})

    [error] = assert_error(answer, 422)["errors"]
    message = f"String should have at most {longest} characters"
    assert error == {"loc": ["body", name], "msg": message, "type": "string_too_long"}

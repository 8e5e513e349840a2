"""What a page may weigh: the heaviest row that a client can store decides how many rows it has."""

import re
from datetime import date, datetime, time
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

from annotated_types import MaxLen
from pydantic import AnyUrl, BaseModel, Field

from app.core.http.resource.controller import ResourceController
from app.core.http.resource.list_parameters import DEFAULT_LIMIT, MAX_LIMIT
from app.core.http.resource.page_size import MAX_PAGE_BYTES, max_page_size, unbounded_fields
from app.testing.clients import Client
from tests.core.http.bodies import valid_body
from tests.library import Library
from tests.parts.resources import every_resource


class State(Enum):
    """One of two."""

    OLD = "old"
    NEW = "new"


def heaviest(schema: dict[str, Any]) -> Any:
    """The value of the most bytes that a field of the installed nouns takes: control characters are six each."""
    parts = schema.get("anyOf", [schema])
    longest = max(part.get("maxLength", 0) for part in parts)
    value = "x" + "\x01" * (longest - 1)
    is_free = all("format" not in part and re.match(part.get("pattern", ""), value) for part in parts)
    return value if longest and is_free else None


@every_resource
async def test_no_row_is_heavier_than_was_thought(
    client: Client, resource: type[ResourceController[Any, Any, Any]]
) -> None:
    described = resource.create_schema.model_json_schema()["properties"]
    texts = {name: value for name, part in described.items() if (value := heaviest(part))}
    stored = await client.post(resource.path, json=await valid_body(client, resource) | texts)
    page = await client.get(resource.path)

    assert stored.status_code == 201, stored.text
    assert len(page.content) > len("".join(texts.values()))
    assert len(page.content) * max_page_size(resource.model, [resource.create_schema]) <= MAX_PAGE_BYTES


@every_resource
def test_the_installed_nouns_have_no_value_without_an_end(resource: type[ResourceController[Any, Any, Any]]) -> None:
    assert unbounded_fields(resource.create_schema) == unbounded_fields(resource.update_schema) == []
    assert resource.max_page_size == MAX_LIMIT


def test_a_page_has_fewer_rows_with_the_rows_to_which_they_refer(library: Library) -> None:
    books = {each["name"]: each for each in library.document()["paths"]["/api/sample-books"]["get"]["parameters"]}
    most = books["limit"]["schema"]["maximum"]

    assert library.ask("GET", f"/api/sample-books?limit={most}").status == 200
    refused = library.ask("GET", f"/api/sample-books?limit={most}&expand=sequel_of")
    fewer = int(refused.body["errors"][0]["msg"].split()[3])
    assert refused.status == 422
    assert 0.4 < fewer / most < 0.6
    for limit, status in ((fewer, 200), (fewer + 1, 422)):
        assert library.ask("GET", f"/api/sample-books?limit={limit}&expand=sequel_of").status == status


class Kinds(BaseModel):
    """A field of each kind that has an end, and of each that has none."""

    line: str = Field(max_length=5)
    optional: str | None = Field(max_length=5)
    colour: Literal["red", "green"]
    state: State
    day: date
    moment: datetime
    clock: time
    token: UUID
    number: int
    ratio: float | None
    is_done: bool
    few: list[int] = Field(max_length=3)
    names: list[Annotated[str, MaxLen(5)]] = Field(max_length=3)

    text: str
    page: AnyUrl
    many: list[int]
    texts: list[str] = Field(max_length=3)
    anything: dict[str, Any]


def test_what_has_no_end_is_known_by_its_type() -> None:
    assert unbounded_fields(Kinds) == ["text", "page", "many", "texts", "anything"]


def test_a_page_of_heavy_rows_is_shorter(library: Library) -> None:
    """Books have tags and notes without an end, so sixteen of them are as heavy as a page may be."""
    [limit] = [
        parameter["schema"]
        for parameter in library.document()["paths"]["/api/sample-books"]["get"]["parameters"]
        if parameter["name"] == "limit"
    ]
    most = limit["maximum"]

    assert most == limit["default"] == 16 < DEFAULT_LIMIT
    assert library.ask("GET", "/api/sample-books").status == 200
    assert library.ask("GET", f"/api/sample-books?limit={most}").status == 200
    assert library.ask("GET", f"/api/sample-books?limit={most + 1}").status == 422

"""Requests for lists, and the rows in their answers."""

from typing import Any
from urllib.parse import urlencode

import httpx

from app.testing.contract.answers import expect
from app.testing.contract.operations import LIST
from app.testing.contract.resource import ResourceUnderTest

Rows = list[dict[str, Any]]


def text_of(value: Any) -> str:
    """Return a value of JSON as a query has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


async def create_rows(tested: ResourceUnderTest) -> Rows:
    """Store rows, the last one with null wherever the client may send it; return all of them as the list has them."""
    nullable = [name for name in tested.resource.create_schema.model_fields if tested.nullable.get(name)]
    for changes in ({}, {}, dict.fromkeys(nullable)):
        await tested.create_row(tested.owner, **changes)
    return await tested.list_rows(tested.owner)


async def get_list(tested: ResourceUnderTest, **query: str) -> tuple[str, httpx.Response]:
    """Send a request for the owner's list; return its line, and the response."""
    after = f"?{urlencode(query)}"
    return f"GET {tested.resource.path}{after}", await tested.send(tested.owner, LIST, after=after)


def ids_in(label: str, answer: httpx.Response) -> list[int]:
    """Assert that the response is a list, and return the ids of its rows."""
    expect(label, answer.status_code, 200)
    return [row["id"] for row in answer.json()]

"""Rows for lists, and the ids in their answers."""

import httpx

from app.testing.factories import factory_of
from tests.core.http.bodies import Resource


async def store(resource: Resource, count: int, user: str = "alice") -> list[int]:
    """Store rows of a user, and return their ids."""
    if not count:
        return []
    rows = await factory_of(resource.model).create_batch_async(count, user_id=user)
    return [row.id for row in rows if row.id is not None]


def ids(answer: httpx.Response) -> list[int]:
    """Return the ids in an answer, which must be a list."""
    assert answer.status_code == 200, answer.text
    assert isinstance(answer.json(), list)
    return [row["id"] for row in answer.json()]

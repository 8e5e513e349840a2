"""Bodies for any resource: what it accepts, derived from its schemas."""

from typing import Any

from app.core.data.tables.owned import Owned
from app.core.data.tables.references import references_of
from app.core.http.resource.controller import ResourceController
from app.installed import INSTALLED
from app.testing.clients import Client
from app.testing.contract.resource import make_body

Resource = type[ResourceController[Any, Any, Any]]


async def valid_body(client: Client, resource: Resource) -> dict[str, Any]:
    """Return a body that creates a row of the client's, with every field in it; it refers to others where it must."""
    references = {
        reference.column: None if reference.nullable else await _stored(client, reference.model)
        for reference in references_of(resource.model)
    }
    return make_body(resource.create_schema, **references)


async def _stored(client: Client, model: type[Owned]) -> int:
    resource = next(resource for resource in INSTALLED if resource.model is model)
    answer = await client.post(resource.path, json=await valid_body(client, resource))
    return int(answer.json()["id"])


def writes(resource: Resource, row_id: int) -> list[tuple[str, str]]:
    return [("POST", resource.path), ("PUT", f"{resource.path}/{row_id}"), ("PATCH", f"{resource.path}/{row_id}")]

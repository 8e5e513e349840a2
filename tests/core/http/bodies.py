"""Bodies for any resource: what it accepts, derived from its schemas."""

from typing import Any

from app.core.http.resources import ResourceController
from app.testing.conformance.subject import make_body, references_of

Resource = type[ResourceController[Any, Any, Any]]


def valid_body(resource: Resource) -> dict[str, Any]:
    """Return a body that creates a row, with every field in it; it refers to no other row."""
    nothing: dict[str, Any] = dict.fromkeys(reference.column for reference in references_of(resource.model))
    return make_body(resource.create_schema, **nothing)

"""Bodies for any resource: what it accepts, derived from its schemas."""

import json
from typing import Any, cast

from polyfactory.factories.pydantic_factory import ModelFactory

from app.core.http.resources import ResourceController

Resource = type[ResourceController[Any, Any, Any]]


def valid_body(resource: Resource) -> dict[str, Any]:
    """Return a body that creates a row, with every field in it; it refers to no other row."""
    factory = ModelFactory.create_factory(resource.create_schema, __check_model__=False)
    references = {column.name for column in resource.model.__table__.columns if column.foreign_keys}
    nothing: dict[str, Any] = dict.fromkeys(references & resource.create_schema.model_fields.keys())
    return cast("dict[str, Any]", json.loads(factory.build(**nothing).model_dump_json()))

"""Examples: whatever the fields of a body are, its example obeys the schema."""

from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator

from app.core.http.docs.examples import body_example

FIELDS: list[tuple[dict[str, Any], Any]] = [
    ({"type": "boolean"}, True),
    ({"type": "boolean", "examples": [True]}, False),
    ({"type": ["boolean", "null"]}, True),
    ({"type": "string"}, "Text"),
    ({"type": "string", "examples": [None, "Buy milk"]}, "Buy milk"),
    ({"type": "string", "maxLength": 2}, "Te"),
    ({"type": "string", "minLength": 6}, "Text.."),
    ({"type": "string", "format": "date"}, "2026-01-31"),
    ({"type": ["string", "null"], "format": "date-time"}, "2026-01-31T12:00:00Z"),
    ({"type": "string", "enum": ["a", "b"]}, "a"),
    ({"const": "a"}, "a"),
    ({"type": "integer"}, 1),
    ({"type": "integer", "minimum": 5, "maximum": 6}, 5),
    ({"type": "integer", "exclusiveMinimum": 5}, 6),
    ({"type": "integer", "maximum": -3}, -3),
    ({"type": "number", "minimum": 0, "maximum": 0.5}, 0.5),
    ({"type": "array", "items": {"type": "string"}}, ["Text"]),
    ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
    ({"type": "object"}, {}),
    ({"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}, {"a": "Text"}),
    ({"$ref": "#/components/schemas/State"}, "new"),
    ({"anyOf": [{"$ref": "#/components/schemas/State"}, {"type": "null"}]}, "new"),
]
SCHEMAS = {"State": {"type": "string", "enum": ["new", "worn"]}}


@pytest.mark.parametrize(("field", "expected"), FIELDS)
@pytest.mark.parametrize("required", [["it"], []], ids=["create", "change"])
def test_a_field_has_a_value_that_it_takes(field: dict[str, Any], expected: Any, required: list[str]) -> None:
    schema = {"type": "object", "properties": {"it": field}, "required": required}
    example = body_example(schema, SCHEMAS)

    assert example == {"it": expected}
    OAS31Validator({**schema, "components": {"schemas": SCHEMAS}}).validate(example)


def test_a_change_sets_the_mark_that_is_easiest_to_take_back() -> None:
    fields = {"project_id": {"type": "integer"}, "title": {"type": "string"}, "done": {"type": ["boolean", "null"]}}

    assert body_example({"properties": fields}, {}) == {"done": True}
    del fields["done"]
    assert body_example({"properties": fields}, {}) == {"title": "Text"}


def test_a_body_without_fields_is_an_empty_object() -> None:
    assert body_example({"type": "object"}, {}) == {}

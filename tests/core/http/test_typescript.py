"""TypeScript: each form that a schema can have, as a client would write it."""

from typing import Any

import pytest

from app.core.http.typescript import write_typescript


def written(**schemas: Any) -> str:
    return write_typescript({"components": {"schemas": schemas}})


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, "string"),
        ({"type": "integer"}, "number"),
        ({"type": ["boolean", "null"]}, "boolean | null"),
        ({"type": "null"}, "null"),
        ({}, "unknown"),
        ({"enum": ["a", "b", 3, None]}, '"a" | "b" | 3 | null'),
        ({"const": "x"}, '"x"'),
        ({"$ref": "#/components/schemas/Task"}, "Task"),
        ({"type": "array", "items": {"type": "string"}}, "string[]"),
        ({"type": "array", "items": {"type": ["string", "null"]}}, "(string | null)[]"),
        ({"type": "array"}, "unknown[]"),
        ({"type": ["array", "null"], "items": {"type": "string"}}, "string[] | null"),
        ({"anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "null"}]}, '"a" | "b" | null'),
        ({"$ref": "#/components/schemas/Task", "description": "One."}, "Task"),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "number"}]}, "string | number"),
        ({"allOf": [{"$ref": "#/x/A"}, {"$ref": "#/x/B"}]}, "A & B"),
        ({"type": "object"}, "Record<string, unknown>"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "Record<string, number>"),
    ],
)
def test_a_schema_is_a_type(schema: dict[str, Any], expected: str) -> None:
    assert f"export type It = {expected};\n" in written(It=schema)


def test_an_object_is_an_interface_whose_comments_cannot_end_early() -> None:
    inner = {"type": "object", "properties": {"b": {"type": "string"}}}
    text = written(
        **{
            "Page[Task]": {
                "description": "One */ of\nthem.",
                "properties": {"a": {"type": "integer", "description": "An a."}, "is-odd": inner},
                "required": ["a"],
            }
        }
    )

    assert text.count("*/") == 2 + 1
    assert (
        "/** One *\\/ of them. */\nexport interface Page_Task_ {\n"
        "  /** An a. */\n  a: number;\n"
        '  "is-odd"?: {\n    b?: string;\n  };\n}\n'
    ) in text


def test_an_operation_has_what_it_takes_and_what_it_answers() -> None:
    parameters = [
        {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}},
        {"name": "limit", "in": "query", "schema": {"type": "integer"}},
    ]
    json = {"application/json": {"schema": {"type": "string"}}}
    operation = {
        "operationId": "notes_put",
        "parameters": parameters,
        "requestBody": {"required": True, "content": json},
        "responses": {"200": {"content": json}, "204": {}, "404": {"content": json}},
    }

    text = write_typescript({"paths": {"/notes/{id}": {"put": operation, "parameters": []}}})

    assert (
        '  "PUT /notes/{id}": {\n    operationId: "notes_put";\n    path: { id: number };\n'
        "    query?: { limit?: number };\n    body: string;\n    response: string | undefined;\n  };\n"
    ) in text

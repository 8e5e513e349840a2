"""The OpenAPI document as TypeScript: an interface for each schema, and one map of all operations.

type NewTask = Operations["POST /api/tasks"]["body"];
const tasks: Operations["GET /api/tasks"]["response"] = await (await fetch("/api/tasks", ...)).json();
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

_HEAD: Final = "// Written by `app schema --format typescript`; write it again when the API changes.\n"
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_PLAIN: Final = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}

Document = Mapping[str, Any]
Schema = Mapping[str, Any]


def write_typescript(document: Document) -> str:
    """Return the module's text; what a schema leaves open is `unknown`, never `any`."""
    schemas = document.get("components", {}).get("schemas", {})
    interfaces = [_declare(name, schema) for name, schema in schemas.items()]
    return "\n".join([_HEAD, *interfaces, _declare_operations(document)])


def _declare(name: str, schema: Schema) -> str:
    if "properties" not in schema:
        return f"{_comment(schema)}export type {_identifier(name)} = {_type(schema)};\n"
    return f"{_comment(schema)}export interface {_identifier(name)} {_object(schema, '')}\n"


def _declare_operations(document: Document) -> str:
    lines = [
        f"  {_comment(operation, '  ')}{json.dumps(f'{method.upper()} {path}')}: {_operation(operation)};"
        for path, item in document.get("paths", {}).items()
        for method, operation in item.items()
        if method in _METHODS
    ]
    head = "/** Every operation, by method and path: what it takes, and what it answers when it succeeds. */\n"
    return head + "export interface Operations {\n" + "\n".join(lines) + "\n}\n"


def _operation(operation: Mapping[str, Any]) -> str:
    parts = [f"operationId: {json.dumps(operation.get('operationId', ''))}"]
    for place in ("path", "query", "header"):
        if found := [p for p in operation.get("parameters", ()) if p.get("in") == place]:
            parts.append(f"{place}{_optional(any(p.get('required') for p in found))}: {_parameters(found)}")
    if body := operation.get("requestBody"):
        parts.append(f"body{_optional(body.get('required', False))}: {_content(body)}")
    parts.append(f"response: {_answer(operation.get('responses', {}))}")
    return "{\n" + "".join(f"    {part};\n" for part in parts) + "  }"


def _parameters(parameters: list[Mapping[str, Any]]) -> str:
    named = (
        f"{_key(p['name'])}{_optional(p.get('required', False))}: {_type(p.get('schema', {}))}" for p in parameters
    )
    return "{ " + "; ".join(named) + " }"


def _answer(responses: Mapping[str, Any]) -> str:
    answers = [_content(response) for status, response in responses.items() if status.startswith("2")]
    return " | ".join(dict.fromkeys(answers)) or "unknown"


def _content(part: Mapping[str, Any]) -> str:
    """The type of a body or an answer; what has no content is `undefined`."""
    media = next(iter(part.get("content", {}).values()), None)
    return "undefined" if media is None else _type(media.get("schema", {}))


def _type(schema: Schema, indent: str = "") -> str:
    if "$ref" in schema:
        return _identifier(schema["$ref"].rpartition("/")[2])
    if "enum" in schema or "const" in schema:
        return " | ".join(json.dumps(value) for value in schema.get("enum", [schema.get("const")]))
    for key, sign in (("oneOf", " | "), ("anyOf", " | "), ("allOf", " & ")):
        if key in schema:
            return sign.join(dict.fromkeys(_type(part, indent) for part in schema[key]))
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return " | ".join(_type({**schema, "type": kind}, indent) for kind in kinds)
    return _of_kind(kinds, schema, indent)


def _of_kind(kind: str | None, schema: Schema, indent: str) -> str:
    if kind == "array":
        inner = _type(schema.get("items", {}), indent)
        return f"({inner})[]" if " " in inner and not inner.startswith("{") else f"{inner}[]"
    if kind == "object" and "properties" in schema:
        return _object(schema, indent)
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"Record<string, {_type(values, indent) if isinstance(values, Mapping) else 'unknown'}>"
    return _PLAIN.get(kind or "", "unknown")


def _object(schema: Schema, indent: str) -> str:
    required = schema.get("required", ())
    inner = indent + "  "
    lines = (
        f"{inner}{_comment(field, inner)}{_key(name)}{_optional(name in required)}: {_type(field, inner)};\n"
        for name, field in schema["properties"].items()
    )
    return "{\n" + "".join(lines) + indent + "}"


def _comment(part: Mapping[str, Any], indent: str = "") -> str:
    words = " ".join(str(part.get("description") or part.get("summary") or "").split()).replace("*/", "*\\/")
    return f"/** {words} */\n{indent}" if words else ""


def _optional(required: bool) -> str:
    return "" if required else "?"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_$][\w$]*", name, re.ASCII) else json.dumps(name)


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name, flags=re.ASCII)

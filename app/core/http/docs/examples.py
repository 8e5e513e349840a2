"""Examples of bodies: to create a row, and to change one field of it."""

from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

_TEXTS: Final = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "uuid": "0190a5d2-1c4e-7b3a-9f60-5d2c8e7a4b11",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "ann@example.com",
    "uri": "https://example.com",
}


def body_example(schema: Schema, schemas: Mapping[str, Schema]) -> dict[str, Any]:
    """Return a body with the required fields, or with one field if none is required."""
    fields = {name: _resolved(field, schemas) for name, field in schema.get("properties", {}).items()}
    names = schema.get("required") or sorted(fields, key=lambda name: _rank(fields[name]))[:1]
    return {name: _value_of(fields[name], schemas) for name in names}


def _rank(field: Schema) -> int:
    # The most harmless field first: a boolean is easily changed back, a number may be a reference.
    kinds = ("boolean", "string", "array", "object", "number")
    return next((rank for rank, kind in enumerate(kinds) if kind == _kind(field)), len(kinds))


def _value_of(field: Schema, schemas: Mapping[str, Schema]) -> Any:
    field = _resolved(field, schemas)
    kind = _kind(field)
    given = [example for example in field.get("examples", ()) if example is not None]
    if kind == "boolean":
        return not (given or [False])[0]
    if given or "enum" in field or "const" in field:
        return [*given, *field.get("enum", ()), field.get("const")][0]
    if kind == "array":
        return [_value_of(field.get("items", {}), schemas)] * max(1, field.get("minItems", 1))
    if kind == "object":
        return {name: _value_of(field["properties"][name], schemas) for name in field.get("required", ())}
    if kind in {"integer", "number"}:
        return _number(field)
    return _text(field)


def _number(field: Schema) -> Any:
    lowest = field.get("minimum", field.get("exclusiveMinimum", 0) + 1)
    return min(max(1, lowest), field.get("maximum", max(1, lowest)))


def _text(field: Schema) -> str:
    text = _TEXTS.get(field.get("format", ""), "Text")
    return text[: field.get("maxLength", len(text))].ljust(field.get("minLength", 0), ".")


def _resolved(field: Schema, schemas: Mapping[str, Schema]) -> Schema:
    if "$ref" in field:
        return {**schemas[field["$ref"].rpartition("/")[2]], **field}
    if "anyOf" in field:
        return {**_resolved(field["anyOf"][0], schemas), **field}
    return field


def _kind(field: Schema) -> str | None:
    kind = field.get("type")
    return kind[0] if isinstance(kind, list) else kind

"""The JSON schemas in the document: pydantic's for bodies, msgspec's for errors, Litestar's for parameters and rows.

Litestar's limits of integers are corrected: it makes them floats, and drops a zero.
"""

import math
from collections.abc import Collection
from typing import Any, Final

import msgspec
from litestar.openapi.spec import OpenAPIType
from litestar.openapi.spec import Schema as LitestarSchema
from litestar.params import KwargDefinition
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core.core_schema import NullableSchema

Schema = dict[str, Any]

_NULL: Final = {"type": "null"}
_INT32: Final = 2**31


class ExactIntegers(OpenAPISchemaPlugin):
    """Makes the limits of integers exact."""

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:
        return value is int

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> LitestarSchema:
        limits = field_definition.kwarg_definition
        if not isinstance(limits, KwargDefinition):
            return LitestarSchema(type=OpenAPIType.INTEGER)
        return LitestarSchema(
            type=OpenAPIType.INTEGER,
            minimum=limits.ge,
            exclusive_minimum=limits.gt,
            maximum=limits.le,
            exclusive_maximum=limits.lt,
        )


class _BodySchemas(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False  # a title repeats the field name

    def nullable_schema(self, schema: NullableSchema) -> JsonSchemaValue:
        return _or_null(self.generate_inner(schema["schema"]))


def body_schemas(models: Collection[type[BaseModel]]) -> tuple[dict[type[BaseModel], str], dict[str, Schema]]:
    """Return the schema name of each model, and the schemas by name, with all that they refer to."""
    found, made = models_json_schema(
        [(model, "validation") for model in models],
        ref_template="#/components/schemas/{model}",
        schema_generator=_BodySchemas,
    )
    names = {model: found[model, "validation"]["$ref"].rpartition("/")[2] for model in models}
    return names, {name: _without_defaults(schema) for name, schema in made.get("$defs", {}).items()}


def struct_schemas(struct: type[msgspec.Struct]) -> dict[str, Schema]:
    """Return the schemas of a struct and its nested structs, by name."""
    return msgspec.json.schema_components([struct], ref_template="#/components/schemas/{name}")[1]


def tidied(node: Any) -> Any:
    """Return a part of the document with `format: int64` for wide integers, and without a `oneOf` of one schema."""
    if isinstance(node, list):
        return [tidied(part) for part in node]
    if not isinstance(node, dict):
        return node
    made = {name: tidied(part) for name, part in node.items()}
    for key in ("oneOf", "allOf"):
        alternatives = made.get(key)
        others = [part for part in alternatives if part != _NULL] if isinstance(alternatives, list) else []
        if alternatives and len(others) == 1:
            del made[key]
            made = (others[0] if len(alternatives) == 1 else _or_null(others[0])) | made
    return {"format": "int64"} | made if _is_wide_integer(made) else made


def parameter_schema(schema: Schema, parameter: FieldDefinition | None) -> Schema:
    """Return the schema of a parameter without null, which a query or a header cannot send."""
    made = dict(schema)
    others = [part for part in schema.get("anyOf", ()) if part != _NULL]
    if len(others) == 1:
        made = others[0] | {name: part for name, part in schema.items() if name != "anyOf"}
    if isinstance(made.get("type"), list):
        kinds = [kind for kind in made["type"] if kind != "null"]
        made["type"] = kinds[0] if len(kinds) == 1 else kinds
    if None in made.get("enum", ()):
        made["enum"] = [value for value in made["enum"] if value is not None]
    limits = parameter.kwarg_definition if parameter else None
    if isinstance(limits, KwargDefinition) and limits.ge is not None:  # Litestar drops a zero
        made = tidied({name: part for name, part in made.items() if part != "int64"} | {"minimum": limits.ge})
    return made


def _is_wide_integer(schema: Schema) -> bool:
    # More than 32 bits, the size of an integer in many languages.
    if schema.get("type") not in ("integer", ["integer", "null"]):
        return False
    return bool(schema.get("minimum", -math.inf) < -_INT32 or schema.get("maximum", math.inf) >= _INT32)


def _or_null(schema: Schema) -> Schema:
    if isinstance(schema.get("type"), str) and not schema.keys() & {"enum", "const"}:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, _NULL]}


def _without_defaults(schema: Schema) -> Schema:
    # A default moves into the description: generated clients would always send a field that has one.
    if "properties" not in schema:
        return schema
    return {**schema, "properties": {name: _describe_default(field) for name, field in schema["properties"].items()}}


def _describe_default(field: Schema) -> Schema:
    default = field.get("default")
    field = {name: value for name, value in field.items() if name != "default"}
    if default is None:  # in a change, a missing field is not changed
        return field
    sentence = f"The default is `{msgspec.json.encode(default).decode()}`."
    return {**field, "description": " ".join(filter(None, [field.get("description"), sentence]))}

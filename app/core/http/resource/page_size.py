"""The maximum number of rows on a page, computed at startup from the maximum size of a row as JSON."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from pydantic import BaseModel

from app.core.data.tables.documents import MAX_BYTES, JsonRules
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import columns_of
from app.core.data.tables.relations import relations_of

MAX_PAGE_BYTES: Final = 2**25  # bytes

_UNBOUNDED: Final = 1_000_000  # bytes of a value without a limit: the default of MAX_BODY_BYTES
_SCALAR: Final = 64  # maximum bytes of a number, a time or an id
_PER_CHARACTER: Final = 6  # bytes of a control character: \u0001
_SCALAR_TYPES: Final = frozenset({"integer", "number", "boolean", "null"})
_SCALAR_FORMATS: Final = frozenset({"date", "date-time", "time", "duration", "uuid"})


def max_page_size(model: type[Owned], schemas: Iterable[type[BaseModel]], expand: Iterable[str] = ()) -> int:
    """Return how many rows of the maximum size, by the limits in these schemas, fit on a page; at least 1.

    `expand` names the relations of which each row has the rows.
    """
    relations = sum(_max_relation_size(model, name) for name in expand)
    return max(1, MAX_PAGE_BYTES // (_max_row_size(model, schemas) + relations))


def _max_row_size(model: type[Owned], schemas: Iterable[type[BaseModel]]) -> int:
    sizes = dict.fromkeys((column.key for column in columns_of(model)), _SCALAR)
    for schema in schemas:
        sizes |= {name: max(size, sizes.get(name, 0)) for name, size in _max_sizes(schema).items()}
    return sum(len(name) + size for name, size in sizes.items())


def _max_relation_size(model: type[Owned], name: str) -> int:
    relation = relations_of(model)[name]
    lengths = (getattr(rule, "max_length", None) for rule in model.model_fields[relation.column].metadata)
    count = next((length for length in lengths if length), 1)
    return len(name) + count * _max_row_size(relation.model, (relation.model,))


def unbounded_fields(schema: type[BaseModel]) -> list[str]:
    """Return the fields that accept a value of any length."""
    return [name for name, size in _max_sizes(schema).items() if size >= _UNBOUNDED]


def _max_sizes(schema: type[BaseModel]) -> dict[str, int]:
    described = schema.model_json_schema()
    definitions, properties = described.get("$defs", {}), described.get("properties", {})
    documents = [name for name, field in schema.model_fields.items() if JsonRules() in field.metadata]
    sizes = {name: _max_size(part, definitions) for name, part in properties.items() if name not in documents}
    return sizes | dict.fromkeys(documents, MAX_BYTES)


def _max_size(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> int:
    # In bytes, of the longest value that matches the schema.
    if "$ref" in part:
        return _max_size(definitions[part["$ref"].rpartition("/")[2]], definitions)
    if alternatives := part.get("anyOf") or part.get("oneOf"):
        return max(_max_size(each, definitions) for each in alternatives)
    if values := part.get("enum") or ([part["const"]] if "const" in part else []):
        return max(len(msgspec.json.encode(value)) for value in values)
    if part.get("type") in _SCALAR_TYPES or part.get("format") in _SCALAR_FORMATS:
        return _SCALAR
    if "maxItems" in part and "items" in part:
        return int(part["maxItems"]) * _max_size(part["items"], definitions)
    return int(part["maxLength"]) * _PER_CHARACTER if "maxLength" in part else _UNBOUNDED

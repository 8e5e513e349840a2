"""Weights: how many bytes a row can have as JSON, by the limits of its fields, and so how many rows a page can have.

The heaviest page of a noun is known before anybody asks for it, so no request pays for the bound.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from pydantic import BaseModel

from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import columns_of

MAX_PAGE_BYTES: Final = 2**25  # bytes

_UNBOUNDED: Final = 1_000_000  # bytes of a value without a limit: a body has as many by default
_SCALAR: Final = 64  # bytes of a number, a moment or an id, at most
_PER_CHARACTER: Final = 6  # bytes: \u0001
_SCALAR_TYPES: Final = frozenset({"integer", "number", "boolean", "null"})
_SCALAR_FORMATS: Final = frozenset({"date", "date-time", "time", "duration", "uuid"})


def max_page_size(model: type[Owned], schemas: Iterable[type[BaseModel]]) -> int:
    """Return how many rows of this table a page can have, if clients write all of what these schemas let them."""
    sizes = dict.fromkeys((column.key for column in columns_of(model)), _SCALAR)
    for schema in schemas:
        sizes |= {name: max(size, sizes.get(name, 0)) for name, size in _max_sizes(schema).items()}
    return max(1, MAX_PAGE_BYTES // sum(len(name) + size for name, size in sizes.items()))


def unbounded_fields(schema: type[BaseModel]) -> list[str]:
    """Return the fields that take a value of any length."""
    return [name for name, size in _max_sizes(schema).items() if size >= _UNBOUNDED]


def _max_sizes(schema: type[BaseModel]) -> dict[str, int]:
    described = schema.model_json_schema()
    definitions = described.get("$defs", {})
    return {name: _max_size(part, definitions) for name, part in described.get("properties", {}).items()}


def _max_size(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> int:
    """The bytes of the longest value that a JSON schema lets pass."""
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

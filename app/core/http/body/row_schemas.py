"""The schema of a row in the document: its columns, and the relations that it has if a client asks for them."""

from collections.abc import Iterable
from inspect import cleandoc
from typing import Any

from litestar.openapi.spec import OpenAPIType, Reference, Schema
from litestar.typing import FieldDefinition

from app.core.data.repository.rows import row_struct
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import table_of
from app.core.data.tables.relations import COUNTS, Relation, relations_of


def row_schema(model: type[Owned], creator: Any, expand: Iterable[str] = (), counts: Iterable[str] = ()) -> Reference:
    """Return a reference to the schema of a table's rows, to which these relations and counts are added."""
    struct: Any = row_struct(model)
    reference: Reference = creator.for_field_definition(FieldDefinition.from_annotation(struct))
    schema = creator.schema_registry.from_reference(reference).schema
    schema.description = cleandoc(struct.__doc__ or "") or None
    for name in expand:
        schema.properties[name] = _relation_schema(model, relations_of(model)[name], creator)
    if names := tuple(counts):
        schema.properties[COUNTS] = _counts_schema(names)
    return reference


def _relation_schema(model: type[Owned], relation: Relation, creator: Any) -> Schema:
    row, field = row_schema(relation.model, creator), f"`{relation.column}`, if `expand` asks for it."
    if relation.links is not None:
        return Schema(type=OpenAPIType.ARRAY, items=row, description=f"The rows of {field}")
    is_nullable = table_of(model).c[relation.column].nullable
    alternatives: list[Reference | Schema] = [row, Schema(type=OpenAPIType.NULL)] if is_nullable else [row]
    return Schema(one_of=alternatives, description=f"The row of {field}")


def _counts_schema(names: tuple[str, ...]) -> Schema:
    count = Schema(type=OpenAPIType.INTEGER, minimum=0)
    description = "How many rows refer to this one, if `counts` asks for it."
    return Schema(type=OpenAPIType.OBJECT, properties=dict.fromkeys(names, count), description=description)

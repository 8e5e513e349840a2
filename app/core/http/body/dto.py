"""The DTO layer: pydantic validates JSON bodies, and msgspec encodes rows as the Struct of their table."""

from collections.abc import Collection
from typing import Any, ClassVar, TypeVar, cast

import msgspec
from litestar import Response
from litestar.dto import AbstractDTO
from litestar.openapi.spec import OpenAPIType, Reference, Schema
from litestar.types.serialization import LitestarEncodableType
from litestar.typing import FieldDefinition
from pydantic import BaseModel, ValidationError
from sqlalchemy import Row as SelectedRow
from sqlmodel import SQLModel

from app.core.data.repository.rows import row_struct
from app.core.http.body.media import check_json
from app.core.http.body.row_schemas import row_schema
from app.core.http.body.validation import split_read_only

T = TypeVar("T")


class _BodySchema(SQLModel):
    model_config = {"extra": "forbid", "strict": True}  # pydantic reads it once

    # SQLModel's `__init__` validates twice, and in Python mode, where strict refuses a text as a time.
    __init__ = BaseModel.__init__


class CreateSchema(_BodySchema):
    """The base of bodies that create a row. Unknown fields are refused, and types are not converted."""


class UpdateSchema(_BodySchema):
    """The base of bodies that change a row. Every field is optional; null is for nullable fields only.

    **A field that was not sent is None, also where its type is `str`.** mypy accepts `data.title.strip()`, which fails
    for a body without a title. `data.model_dump(exclude_unset=True)` has the fields that were sent.
    """

    read_only: ClassVar[frozenset[str]] = frozenset()
    __slots__ = ("_sent_back",)  # a private attribute of pydantic costs time for each body, and few bodies need it

    @property
    def sent_back(self) -> dict[str, Any]:
        """The read-only fields in the body, as JSON has them, for `update_one()` to compare."""
        sent_back: dict[str, Any] = getattr(self, "_sent_back", {})
        return sent_back

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for field in cls.model_fields.values():
            field.default = None  # the field was not sent; pydantic neither validates nor dumps it
            field.default_factory = None
        cls.model_rebuild(force=True)


class _BaseDTO(AbstractDTO[T]):
    # The abstract methods of Litestar's DTO. The classes below need no backend: they know their types.

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: Any = None
    ) -> None:
        pass

    @classmethod
    def is_supported_model_type_field(cls, field_definition: FieldDefinition) -> bool:
        return True


class BodyDTO(_BaseDTO[Any]):
    """Reads a JSON body into the pydantic class that the handler declares for `data`."""

    def decode_bytes(self, value: bytes) -> Any:
        headers = self.asgi_connection.headers
        check_json(tuple(headers.getall("Content-Type", ())), tuple(headers.getall("Content-Encoding", ())))
        schema = self.asgi_connection.route_handler.parsed_data_field.annotation
        try:
            return schema.model_validate_json(value)
        except ValidationError as error:
            if not issubclass(schema, UpdateSchema):
                raise
            rest, sent_back = split_read_only(value, error, schema.read_only)
        data = schema.model_validate_json(rest)
        data._sent_back = sent_back
        return data

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any
    ) -> Reference | Schema:
        return Schema()  # `core/http/docs` describes the body


def _to_struct(struct: type[msgspec.Struct], row: Any) -> msgspec.Struct:
    # By name: a `select` may have the columns in another order.
    if not isinstance(row, SelectedRow):
        raise TypeError(
            f"A handler about {struct.__name__} returned {type(row).__name__}; return rows of the repository, or of"
            " session.execute(select(*columns_of(model)))."
        )
    if set(row._mapping) != set(struct.__struct_fields__):
        expected = ", ".join(struct.__struct_fields__)
        raise TypeError(
            f"A handler about {struct.__name__} selected other columns than the table has; select {expected}."
        )
    return struct(**row._mapping)


class RowDTO(_BaseDTO[T]):
    """Writes rows of its table (`RowDTO[Task]`): one row, a list, or the content of a Response."""

    expand: ClassVar[tuple[str, ...]] = ()
    counts: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def with_relations(cls, expand: tuple[str, ...], counts: tuple[str, ...]) -> "type[RowDTO[T]]":
        """Return the class for rows that may have these relations and counts."""
        return type(cls.__name__, (cls,), {"expand": expand, "counts": counts})

    def data_to_encodable_type(self, data: T | Collection[T]) -> LitestarEncodableType:
        if isinstance(data, Response):
            data.content = self._read(data.content)
            return cast("LitestarEncodableType", data)
        return self._read(data)

    def _read(self, content: Any) -> LitestarEncodableType:
        # The rows of the repository are Structs. The rows of a noun's own `select` are converted.
        struct = row_struct(self.model_type)  # type: ignore[arg-type]  # a table
        if isinstance(content, list):
            return [row if isinstance(row, struct) else _to_struct(struct, row) for row in content]
        is_ready = content is None or isinstance(content, struct)
        return cast("LitestarEncodableType", content if is_ready else _to_struct(struct, content))

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any
    ) -> Reference | Schema:
        inner = field_definition.inner_types[0] if field_definition.is_subclass_of(Response) else field_definition
        row = row_schema(cls.model_type, schema_creator, cls.expand, cls.counts)  # type: ignore[arg-type]
        return Schema(type=OpenAPIType.ARRAY, items=row) if inner.is_subclass_of(list) else row

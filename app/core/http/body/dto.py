"""The DTO layer: what a client may say, checked against the fields that the table shares, and what it reads back.

In: a body is JSON, validated by the pydantic class of the handler's `data`. Out: a row is the Struct of its table
(`core/data/repository/rows.py`), which has its fields always in the same order, and is described here.
"""

from collections.abc import Collection
from inspect import cleandoc
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
from app.core.http.body.validation import split_read_only

T = TypeVar("T")


class _BodySchema(SQLModel):
    """Strict about JSON's types, and about fields that the class does not have."""

    model_config = {"extra": "forbid", "strict": True}  # pydantic reads it once

    # SQLModel's own would have pydantic validate what was JSON as Python's values, among which no text is a time;
    # and it would do so twice.
    __init__ = BaseModel.__init__


class CreateSchema(_BodySchema):
    """The base of what creates a row: JSON's own types only, and no field that the class does not have."""


class UpdateSchema(_BodySchema):
    """The base of what changes a row: every field may be left out, and one that is sent obeys its rule.

    Null clears a nullable field and is refused for any other. **A field that was left out is None, also where its type
    says `str`**: mypy lets `data.title.strip()` pass, and it fails on a body without a title. Read changes from
    `data.model_dump(exclude_unset=True)`, which holds the fields that were sent, or ask `"title" in
    data.model_fields_set` first. Fields that only the server sets may be sent back: `sent_back` holds them as JSON has
    them, for `update_one()` to compare.
    """

    read_only: ClassVar[frozenset[str]] = frozenset()
    __slots__ = ("_sent_back",)  # no attribute of pydantic's, which would make one for each body, nearly always in vain

    @property
    def sent_back(self) -> dict[str, Any]:
        """The read-only fields that the client has sent."""
        sent_back: dict[str, Any] = getattr(self, "_sent_back", {})
        return sent_back

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for field in cls.model_fields.values():
            field.default = None  # stands for "left out"; defaults are neither validated nor dumped
            field.default_factory = None
        cls.model_rebuild(force=True)


class _BaseDTO(AbstractDTO[T]):
    """What Litestar asks of a DTO and neither direction here needs: both know their types without its machinery."""

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: Any = None
    ) -> None:
        """Build no backend."""

    @classmethod
    def is_supported_model_type_field(cls, field_definition: FieldDefinition) -> bool:
        """Serve whatever the handler declares."""
        return True


class BodyDTO(_BaseDTO[Any]):
    """Reads a JSON body into the pydantic class that the handler declares for `data`."""

    def decode_bytes(self, value: bytes) -> Any:
        """Return the validated body.

        Raises:
            HTTPException: 415, it is compressed, or does not say that it is JSON.
            pydantic.ValidationError: it is not JSON, not an object, or breaks a rule.
        """
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
        """Leave it to the document, where pydantic describes the handler's own class."""
        return Schema()


def _to_struct(struct: type[msgspec.Struct], row: Any) -> msgspec.Struct:
    """Match columns by name: by place, those of a `select` in another order would be served under wrong names.

    Raises:
        TypeError: the row does not say which columns it has, or they are not the table's.
    """
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
    """Writes rows of the table it is narrowed to, `RowDTO[Task]`: one, several, or those inside a Response."""

    def data_to_encodable_type(self, data: T | Collection[T]) -> LitestarEncodableType:
        """Return what the encoder can write."""
        if isinstance(data, Response):
            data.content = self._read(data.content)
            return cast("LitestarEncodableType", data)
        return self._read(data)

    def _read(self, content: Any) -> LitestarEncodableType:
        """The repository's rows are Structs; those that a noun selects by itself become such."""
        struct = row_struct(self.model_type)  # type: ignore[arg-type]  # narrowed to a table, see above
        if isinstance(content, list):
            return [row if isinstance(row, struct) else _to_struct(struct, row) for row in content]
        is_ready = content is None or isinstance(content, struct)
        return cast("LitestarEncodableType", content if is_ready else _to_struct(struct, content))

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any
    ) -> Reference | Schema:
        """Describe the table's Struct, or a list of it where the handler returns a list."""
        struct: Any = row_struct(cls.model_type)  # type: ignore[arg-type]
        inner = field_definition.inner_types[0] if field_definition.is_subclass_of(Response) else field_definition
        row: Reference = schema_creator.for_field_definition(FieldDefinition.from_annotation(struct))
        schema_creator.schema_registry.from_reference(row).schema.description = cleandoc(struct.__doc__ or "") or None
        return Schema(type=OpenAPIType.ARRAY, items=row) if inner.is_subclass_of(list) else row

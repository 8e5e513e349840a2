"""Rows: the repository returns a row as a Struct, which takes a tenth of the time of an entity."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

import msgspec
from sqlalchemy import inspect

from app.core.data.tables.decimals import ScaledDecimal
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import columns_of

Row = Any
"""An instance of a table's `row_struct`, whose attributes are the table's columns."""

StructT = TypeVar("StructT", bound=msgspec.Struct)

_UNIONS: Final = frozenset({Union, UnionType})


@cache
def row_struct(model: type[Owned]) -> type[msgspec.Struct]:
    """Return the Struct of a table, with the columns of `columns_of` and the descriptions of the fields."""
    fields = [(column.key, _type_of(model, column.key)) for column in columns_of(model)]
    return msgspec.defstruct(
        model.__name__, fields, module=model.__module__, namespace={"__doc__": model.__doc__}, frozen=True, gc=False
    )


def to_struct(values: Mapping[Any, Any], struct: type[StructT]) -> StructT:
    """Return a Struct with these values; raise msgspec.ValidationError if one has another type than its field."""
    return msgspec.convert({name: _plain(value) for name, value in values.items()}, struct)


def _plain(value: Any) -> Any:
    # The sum of integers is a decimal on PostgreSQL, and an integer on SQLite.
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value


def _type_of(model: type[Owned], name: str) -> Any:
    field, column = model.model_fields[name], inspect(model).columns[name]
    annotation = field.annotation if column.nullable else _without_none(field.annotation)
    if isinstance(column.type, ScaledDecimal):
        annotation = column.type.dumped | None if column.nullable else column.type.dumped
    return Annotated[annotation, msgspec.Meta(description=field.description, examples=field.examples)]


def _without_none(annotation: Any) -> Any:
    # `id: int | None` is None only before the row is stored.
    if get_origin(annotation) not in _UNIONS:
        return annotation
    return Union[tuple(member for member in get_args(annotation) if member is not NoneType)]  # noqa: UP007

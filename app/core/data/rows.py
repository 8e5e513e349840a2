"""Rows: what the repository returns for one, a Struct with the table's columns, at a tenth of an entity's cost."""

from functools import cache
from types import NoneType
from typing import Annotated, Any, Union, get_args

import msgspec
from sqlalchemy import inspect
from sqlalchemy.orm import InstrumentedAttribute

from app.core.data.owned import Owned

Row = Any
"""An instance of a table's `row_struct`: its attributes are the table's columns."""


@cache
def columns_of(model: type[Owned]) -> tuple[InstrumentedAttribute[Any], ...]:
    """Return a table's columns as mapped attributes, in the order in which every row here carries them."""
    return tuple(getattr(model, attribute.key) for attribute in inspect(model).column_attrs)


@cache
def row_struct(model: type[Owned]) -> type[msgspec.Struct]:
    """Return the Struct of a table's columns, in the order of `columns_of`, with the texts of its fields."""
    fields = [(column.key, _type_of(model, column.key)) for column in columns_of(model)]
    return msgspec.defstruct(
        model.__name__, fields, module=model.__module__, namespace={"__doc__": model.__doc__}, frozen=True, gc=False
    )


def _type_of(model: type[Owned], name: str) -> Any:
    field = model.model_fields[name]
    annotation: Any = field.annotation
    if not inspect(model).columns[name].nullable:  # `id: int | None` is None only before the row is stored
        annotation = Union[tuple(arg for arg in get_args(annotation) if arg is not NoneType) or (annotation,)]  # noqa: UP007
    return Annotated[annotation, msgspec.Meta(description=field.description, examples=field.examples)]

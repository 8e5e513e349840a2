"""Operators: the comparisons that a field's type allows in a condition."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from sqlalchemy import JSON, Column, ColumnElement, Date, DateTime, Float, Integer, Numeric, Table, Time, TypeDecorator
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

from app.core.data.tables.declarations import declaration_of
from app.core.data.tables.owned import OWNER_COLUMN, Owned
from app.core.data.tables.queryable import fold_of
from app.core.data.tables.registry import columns_by_name, owned_models, table_name, table_of
from app.core.data.tables.row_ids import RowIdList

EQUALITY: Final = ("eq", "ne", "in")
ORDERING: Final = ("lt", "lte", "gt", "gte")
CONTAINS: Final = "contains"
FOLDED: Final = ("icontains", "istartswith")

_SEPARATOR: Final = "__"
_REFERENCE_SUFFIX: Final = "_id"
_ORDERED: Final = (Integer, Numeric, Float, Date, DateTime, Time)


class RelatedField(NamedTuple):
    """A field of the row that a reference refers to."""

    reference: str
    model: type[Owned]
    field: str


def operators_of(model: type[SQLModel], field: str) -> tuple[str, ...]:
    """Return the operators of a field, or of a field one step along a reference: `project__archived`.

    Fields without operators are those that do not exist, the owner, and hidden columns.
    """
    if related := related_field(model, field):
        return operators_of(related.model, related.field)
    column = columns_by_name(model).get(field)
    return () if column is None or field == OWNER_COLUMN else tuple(_operators_of(model, table_of(model), column))


def related_field(model: type[SQLModel], field: str) -> RelatedField | None:
    """Return the field to which a name such as `project__archived` leads; None for a field of the table itself."""
    name, separator, rest = field.partition(_SEPARATOR)
    reference = model.model_fields.get(f"{name}{_REFERENCE_SUFFIX}")
    declared = declaration_of(reference) if reference and separator else None
    if not declared or not declared.target or _SEPARATOR in rest or field in model.model_fields:
        return None
    target = next(each for each in owned_models() if table_name(each) == declared.target.table)
    return RelatedField(f"{name}{_REFERENCE_SUFFIX}", target, rest)


def _operators_of(model: type[SQLModel], table: Table, column: Column[Any]) -> Iterator[str]:
    stored = stored_type(column)
    if isinstance(column.type, RowIdList):
        yield CONTAINS
        return
    if isinstance(stored, JSON):
        return
    if not isinstance(stored, Float):  # equal only by chance
        yield from EQUALITY
    if isinstance(stored, _ORDERED) and not _is_reference(model, column.key):
        yield from ORDERING
    if fold_of(table, column.key) is not None:
        yield from FOLDED
    if column.nullable:
        yield "isnull"


def stored_type(column: ColumnElement[Any]) -> TypeEngine[Any]:
    """Return the type in which the database stores the values of a column."""
    return column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type


def _is_reference(model: type[SQLModel], name: str) -> bool:
    declared = declaration_of(model.model_fields[name])
    return declared is not None and declared.target is not None

"""The Structs of an answer with figures, which are also its schemas in the document."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from app.core.data.repository.rows import row_struct
from app.core.data.sql.figures import MAX_GROUPS, Figure, Figures
from app.core.data.tables.decimals import ScaledDecimal
from app.core.data.tables.field_types import MAX_SAFE_INT
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import columns_by_name

GROUPS: Final = "groups"
OTHER: Final = "other"


class FigureStructs(NamedTuple):
    """The Structs of the whole answer, of a group, and of the rows that are in no group."""

    whole: type[Struct]
    group: type[Struct] | None = None
    other: type[Struct] | None = None


def figure_structs(model: type[Owned], figures: Figures, group_by: Sequence[str], module: str) -> FigureStructs:
    """Return the Structs, as classes of this module."""
    own: list[Any] = [(name, _type_of(model, figure)) for name, figure in figures]
    noun = model.__name__
    if not group_by:
        return FigureStructs(_struct(f"{noun}Stats", module, own))
    types = _types_of_fields(model)
    keys = [(name, types[name] | UnsetType, UNSET) for name in group_by]
    group = _struct(f"{noun}StatsGroup", module, [*keys, *own])
    other = _struct(f"{noun}StatsOther", module, own)
    return FigureStructs(_struct(f"{noun}Stats", module, [*own, *_parts(group, other)]), group, other)


def _struct(name: str, module: str, fields: Sequence[Any]) -> type[Struct]:
    # By keyword, so that a field that may be missing can come before the others.
    return msgspec.defstruct(name, fields, module=module, kw_only=True, frozen=True, gc=False)


def _parts(group: Any, other: Any) -> list[Any]:
    of_groups = f"With `group`: the figures of each value, null last. There are at most {MAX_GROUPS} groups."
    of_others = "With `group`: the figures of the rows in no group; null if there are none."
    return [
        (GROUPS, Annotated[list[group] | UnsetType, Meta(description=of_groups)], UNSET),
        (OTHER, Annotated[other | UnsetType | None, Meta(description=of_others)], UNSET),
    ]


def _type_of(model: type[Owned], figure: Figure) -> Any:
    if figure.kind == "count":
        return Annotated[int, Meta(description=figure.description, ge=0, le=MAX_SAFE_INT)]
    if figure.kind in {"min", "max"}:
        declared = _types_of_fields(model)[figure.field]
        return Annotated[declared | None, Meta(description=f"{figure.description} Null if there is none.")]
    column = columns_by_name(model)[figure.field]
    if not isinstance(column.type, ScaledDecimal):
        return Annotated[int, Meta(description=figure.description, ge=-MAX_SAFE_INT, le=MAX_SAFE_INT)]
    # A sum may have more digits than a field.
    fraction = rf"\.[0-9]{{{column.type.scale}}}" if column.type.scale else ""
    return Annotated[str, Meta(description=figure.description, pattern=rf"^-?(0|[1-9][0-9]*){fraction}$")]


def _types_of_fields(model: type[Owned]) -> dict[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(row_struct(model))}

"""Filters of a list: for each field and operator a query parameter, and the filters that a noun's author names."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement

from app.core.data.errors import InvalidDeclaration
from app.core.data.sql.conditions import Condition
from app.core.data.sql.operators import operators_of, related_field
from app.core.data.tables.owned import Owned
from app.core.http.resource.parameters import MAX_VALUES, QueryParameter, each_of, list_of, one_of
from app.core.http.resource.values import BOOL, TEXT, ValueType, read_text, value_type_of

Match = tuple[Condition, Any]
"""A condition with its value."""

_DESCRIPTIONS: Final = {
    "eq": "Only rows with this `{field}`.",
    "ne": "Only rows with another `{field}`, or with none. It may be repeated.",
    "lt": "Only rows with a `{field}` before this one.",
    "lte": "Only rows with this `{field}`, or one before it.",
    "gt": "Only rows with a `{field}` after this one.",
    "gte": "Only rows with this `{field}`, or one after it.",
    "in": f"Only rows with one of these `{{field}}`: at most {MAX_VALUES}, in repeated parameters{{or_commas}}.",
    "isnull": "Whether `{field}` is null.",
    "icontains": "Only rows whose `{field}` contains this text, whatever the case and the accents.",
    "istartswith": "Only rows whose `{field}` begins with this text, whatever the case and the accents.",
    "contains": "Only rows that have this id in `{field}`. Repeated: all of these ids.",
}


@dataclass(frozen=True)
class NamedFilter:
    """A filter of a controller: `NamedFilter("overdue", "Open tasks whose time has passed.", lambda task: ...)`.

    `condition` returns an expression over the columns of the table. Without a `type`, `overdue=true` keeps the rows for
    which it is true, and `overdue=false` the others, also those for which it is null. With a `type`, such as
    `Instant`, the parameter has a value, which `condition` gets as its second argument.
    """

    name: str
    description: str
    condition: Callable[..., ColumnElement[bool]]
    type: Any = None


@dataclass(frozen=True)
class FilterParameter(QueryParameter):
    """The parameter of a filter; `matches` returns the conditions for its value."""

    matches: Callable[[Any], list[Match]] = lambda _: []


def field_filters(model: type[Owned], name: str) -> Iterator[FilterParameter]:
    """Yield a parameter for each operator of a field; `project__archived` is a field of another table."""
    _, owner, own_name = related_field(model, name) or ("", model, name)
    field = owner.model_fields.get(own_name)
    kind = value_type_of(field.annotation, tuple(field.metadata)) if field else None
    if kind:
        for operator in operators_of(model, name):
            yield _field_filter(name, operator, kind)


def _field_filter(field: str, operator: str, kind: ValueType) -> FilterParameter:
    name = field if operator == "eq" else f"{field}__{operator}"
    description = _DESCRIPTIONS[operator].format(field=field, or_commas="" if kind.is_text else " or with commas")
    make = _MAKERS.get(operator, _make_one)
    schema, read, matches, is_repeatable = make(field, operator, kind)
    return FilterParameter(name, description, schema, read, is_repeatable, matches)


_Parts = tuple[Mapping[str, Any], Callable[[Sequence[str]], Any], Callable[[Any], list[Match]], bool]


def _make_one(field: str, operator: str, kind: ValueType) -> _Parts:
    condition = Condition(field, operator)
    return kind.schema, one_of(kind), lambda value: [(condition, value)], False


def _make_each(field: str, operator: str, kind: ValueType) -> _Parts:
    condition = Condition(field, operator)
    schema = {"type": "array", "items": kind.schema}
    return schema, each_of(kind), lambda values: [(condition, value) for value in values], True


def _make_list(field: str, operator: str, kind: ValueType) -> _Parts:
    condition = Condition(field, operator)
    schema = {"type": "array", "items": kind.schema, "minItems": 1, "maxItems": MAX_VALUES}
    return schema, list_of(kind), lambda values: [(condition, values)], True


def _make_null(field: str, operator: str, kind: ValueType) -> _Parts:
    conditions = {True: Condition(field, "isnull"), False: Condition(field, "notnull")}
    return BOOL.schema, one_of(BOOL), lambda value: [(conditions[value], None)], False


def _make_search(field: str, operator: str, kind: ValueType) -> _Parts:
    condition = Condition(field, operator)
    return TEXT.schema | {"minLength": 1}, _read_part, lambda value: [(condition, value)], False


def _read_part(texts: Sequence[str]) -> str:
    if not texts[0]:
        raise ValueError("Send at least one character")
    return read_text(texts[0])


_MAKERS: Final = {
    "ne": _make_each,
    "contains": _make_each,
    "in": _make_list,
    "isnull": _make_null,
    "icontains": _make_search,
    "istartswith": _make_search,
}


def named_filter(declared: NamedFilter) -> FilterParameter:
    """Return the parameter of a named filter."""
    found, opposite = (Condition(declared.name, operator, declared.condition) for operator in ("is", "isnot"))
    if declared.type is None:
        conditions = {True: found, False: opposite}
        description = f"{declared.description} `false` is the opposite."
        return FilterParameter(
            declared.name,
            description,
            BOOL.schema,
            one_of(BOOL),
            matches=lambda value: [(conditions[value], ())],
        )
    kind = value_type_of(declared.type)
    if kind is None:
        raise InvalidDeclaration(
            f"named_filters: {declared.name!r} has a type without values in a query; choose another"
        )
    return FilterParameter(
        declared.name, declared.description, kind.schema, one_of(kind), matches=lambda value: [(found, (value,))]
    )

"""Filters of a list: for each field and operator a query parameter, and the filters that a noun's author names."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement

from app.core.data.sql.conditions import Condition
from app.core.data.sql.operators import CONTAINS, operators_of, related_field
from app.core.data.tables.folds import fold
from app.core.data.tables.owned import Owned
from app.core.http.resource.parameters import MAX_VALUES, QueryParameter, Read, each_of, list_of, one_of
from app.core.http.resource.values import BOOL, INTEGER, TEXT, ValueType, read_text, value_type_of

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
    With `values`, `condition` gets what this function makes of the value for each request, in a tuple: `values=day_in`
    with the type `TimeZone` makes the begin and the end of today of it.
    """

    name: str
    description: str
    condition: Callable[..., ColumnElement[bool]]
    type: Any = None
    values: Callable[[Any], tuple[Any, ...]] | None = None


@dataclass(frozen=True)
class FilterParameter(QueryParameter):
    """The parameter of a filter: a field, an operator, and the type of the value.

    `matches` returns the conditions for what `read` returned.
    """

    field: str = ""
    operator: str = ""
    kind: ValueType = TEXT
    matches: Callable[[Any], list[Match]] = lambda _: []


def field_filters(model: type[Owned], name: str) -> Iterator[FilterParameter]:
    """Yield a parameter for each operator of a field; `project__archived` is a field of another table."""
    _, owner, own_name = related_field(model, name) or ("", model, name)
    field = owner.model_fields.get(own_name)
    kind = value_type_of(field.annotation, tuple(field.metadata)) if field else None
    for operator in operators_of(model, name):
        if compared := INTEGER if operator == CONTAINS else kind:
            yield _field_filter(name, operator, compared)


def named_filter(declared: NamedFilter) -> FilterParameter:
    """Return the parameter of a named filter; raise ValueError if its type has no values in a query."""
    found, opposite = (Condition(declared.name, operator, declared.condition) for operator in ("is", "isnot"))
    if declared.type is None:
        if declared.values:
            raise ValueError("values are made of a value")
        form = _Form(BOOL.schema, one_of(BOOL), lambda holds: [(found if holds else opposite, ())])
        return _parameter(declared.name, f"{declared.description} `false` is the opposite.", form, "is", BOOL)
    kind = value_type_of(declared.type)
    if kind is None:
        raise ValueError("a query cannot have values of this type")
    # A parsed query is kept, so what depends on the clock is made of the value later.
    values = declared.values
    form = _Form(kind.schema, one_of(kind), lambda value: [(found, partial(values, value) if values else (value,))])
    return _parameter(declared.name, declared.description, form, "is", kind)


class _Form(NamedTuple):
    # How the value of an operator is described, read, and used.
    schema: Mapping[str, Any]
    read: Read
    matches: Callable[[Any], list[Match]]
    is_repeatable: bool = False


def _parameter(name: str, description: str, form: _Form, operator: str, kind: ValueType) -> FilterParameter:
    field = name.removesuffix(f"__{operator}")
    return FilterParameter(
        name, description, form.schema, form.read, form.is_repeatable, field, operator, kind, form.matches
    )


def _field_filter(field: str, operator: str, kind: ValueType) -> FilterParameter:
    name = field if operator == "eq" else f"{field}__{operator}"
    description = _DESCRIPTIONS[operator].format(field=field, or_commas="" if kind.is_text else " or with commas")
    return _parameter(name, description, _form_of(Condition(field, operator), kind), operator, kind)


def _form_of(condition: Condition, kind: ValueType) -> _Form:
    match condition.operator:
        case "ne" | "contains":
            schema: Mapping[str, Any] = {"type": "array", "items": kind.schema}
            return _Form(schema, each_of(kind), lambda values: [(condition, value) for value in values], True)
        case "in":
            items = kind.schema | ({"minLength": 1} if kind.is_text else {})
            schema = {"type": "array", "items": items, "minItems": 1, "maxItems": MAX_VALUES}
            return _Form(schema, list_of(kind), lambda values: [(condition, values)], True)
        case "isnull":
            absent = condition, condition._replace(operator="notnull")
            return _Form(BOOL.schema, one_of(BOOL), lambda is_null: [(absent[not is_null], None)])
        case "icontains" | "istartswith":
            return _Form(TEXT.schema | {"minLength": 1}, _read_part, lambda text: [(condition, text)])
    return _Form(kind.schema, one_of(kind), lambda value: [(condition, value)])


def _read_part(texts: Sequence[str]) -> str:
    if not fold(read_text(texts[0])):  # it would be a part of every text
        raise ValueError("Send at least one character that is not an accent")
    return texts[0]

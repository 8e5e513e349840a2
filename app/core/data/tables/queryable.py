"""Queryable fields: `__sortable__` and `__searchable__` of a table, with their indexes and folds."""

from collections.abc import Iterator
from typing import Any, Final, cast

from pydantic.fields import FieldInfo
from sqlalchemy import Column, Index, Table
from sqlalchemy.schema import SchemaItem
from sqlmodel import SQLModel

from app.core.data.tables.declarations import declaration_of
from app.core.data.tables.folds import LONGEST_FOLD, Fold
from app.core.data.tables.index_sizes import faults_of_size
from app.core.data.tables.indexes import OWNER_COLUMN, OwnerIndex

HIDDEN: Final = "hidden"
"""The key in a column's `info` that marks a column without a field: rows and dumps do not have it."""

_UNSORTABLE: Final = frozenset({"long_text", "json", "refs"})


def sortable_of(model: type[SQLModel]) -> tuple[str, ...]:
    """Return the fields by which the rows of a table can be sorted, apart from `id`."""
    return _declared(model, "__sortable__")


def searchable_of(model: type[SQLModel]) -> tuple[str, ...]:
    """Return the text fields that a search reads."""
    return _declared(model, "__searchable__")


def fold_of(table: Table, name: str) -> Column[Any] | None:
    """Return the column with the fold of a text column; None if it has no fold."""
    return table.c.get(fold_name(name))


def order_column(table: Table, name: str) -> Column[Any]:
    """Return the column by which rows are sorted by a field: its fold if it has one."""
    found = fold_of(table, name)
    return table.c[name] if found is None else found


def indexes_of(model: type[SQLModel]) -> list[OwnerIndex | SchemaItem]:
    """Return the entries of `__indexes__`, those of the mixins first."""
    return [entry for base in reversed(model.__mro__) for entry in vars(base).get("__indexes__", ())]


def folds_of(model: type[SQLModel]) -> dict[str, str]:
    """Return the names of the folds of a class by the names of their texts."""
    unique = [name for entry in indexes_of(model) if getattr(entry, "is_folded", False) for name in entry.columns]  # type: ignore[union-attr]
    names = (*sortable_of(model), *searchable_of(model), *unique)
    return {name: fold_name(name) for name in names if _is_text(model, name)}


def queryable_items(model: type[SQLModel]) -> Iterator[SchemaItem]:
    """Yield the columns and indexes that a table needs for its queryable fields."""
    folds = folds_of(model)
    for name in folds:
        yield _fold_column(model, name)
    for name in sortable_of(model):
        yield Index(None, OWNER_COLUMN, folds.get(name, name), "id")


def queryable_faults(model: type[SQLModel]) -> Iterator[str]:
    """Yield a sentence for each wrong name in `__sortable__` and `__searchable__`."""
    for attribute in ("__sortable__", "__searchable__"):
        names = getattr(model, attribute, ())
        if not isinstance(names, tuple):
            yield f'{attribute} is not a tuple; write ("title",) with a comma'
            return
        for place, name in enumerate(names):
            if name not in model.model_fields or name in {"id", OWNER_COLUMN}:
                fields = ", ".join(each for each in model.model_fields if each not in {"id", OWNER_COLUMN})
                yield f"{attribute}: {name!r} is not one of its fields, which are {fields}"
            elif name in names[:place]:
                yield f"{attribute}: {name!r} is there twice; remove one"
            elif attribute == "__searchable__" and not _is_text(model, name):
                yield f"{attribute}: {name!r} is not a text; a search reads texts only"
            elif attribute == "__sortable__" and _function_of(model.model_fields[name]) in _UNSORTABLE:
                yield f"{attribute}: rows cannot be sorted by {name!r}, because its values have no useful order"


def faults_of_folds(model: type[SQLModel]) -> Iterator[str]:
    """Yield a sentence for each fold that cannot be unique, or has the name of a field."""
    for name, hidden in folds_of(model).items():
        if hidden in model.model_fields:
            yield f"{hidden}: {name} is sorted, searched or unique, and its fold has this name; choose another"
    for name in sortable_of(model):
        yield from (f"__sortable__: {fault}" for fault in faults_of_size(model, (name, "id"), is_folded=True))
    for entry in indexes_of(model):
        if not getattr(entry, "is_folded", False):
            continue
        texts = [name for name in cast("OwnerIndex", entry).columns if _is_text(model, name)]
        if not texts:
            yield f"__indexes__: {cast('OwnerIndex', entry).call} names no text; leave folded=True out"
        for name in texts:
            if _function_of(model.model_fields[name]) == "long_text":
                yield f"__indexes__: {name} is a long_text(), which is too long for an index; declare it with text()"


def _declared(model: type[SQLModel], attribute: str) -> tuple[str, ...]:
    names: tuple[str, ...] = getattr(model, attribute, ())
    return names


def fold_name(name: str) -> str:
    """Return the name of the column with the fold of a text."""
    return f"{name}_fold"


def _fold_column(model: type[SQLModel], name: str) -> Column[Any]:
    def given(context: Any) -> Any:
        return context.get_current_parameters().get(name)

    kind = Fold(None if _function_of(model.model_fields[name]) == "long_text" else LONGEST_FOLD)
    return Column(fold_name(name), kind, nullable=True, default=given, info={HIDDEN: name})


def _is_text(model: type[SQLModel], name: str) -> bool:
    field = model.model_fields.get(name)
    return field is not None and _function_of(field) in {"text", "long_text"}


def _function_of(field: FieldInfo) -> str:
    declared = declaration_of(field)
    return declared.function if declared else ""

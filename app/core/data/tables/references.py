"""References: the foreign keys between owned tables."""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from sqlalchemy import ForeignKeyConstraint
from sqlmodel import SQLModel

from app.core.data.tables.declarations import OnDelete, declaration_of
from app.core.data.tables.indexes import ON_DELETE, OWNER_COLUMN
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import owned_models, owned_table_names, table_of


class Reference(NamedTuple):
    """A column with the id of a row of an owned table."""

    column: str
    model: type[Owned]
    nullable: bool
    on_delete: OnDelete


@cache
def references_of(model: type[Owned]) -> tuple[Reference, ...]:
    """Return the references of a table, in the order of their columns."""
    models = {other.__table__: other for other in owned_models()}
    keys = table_of(model).foreign_key_constraints
    found = (_reference(key, models[key.referred_table]) for key in keys if key.referred_table in models)
    return tuple(sorted(found, key=lambda reference: reference.column))


def deletion_can_be_refused(model: type[Owned], seen: frozenset[type[Owned]] = frozenset()) -> bool:
    """Return whether a reference can refuse the deletion of a row, also through "cascade"."""
    seen |= {model}
    referring = [(other, r.on_delete) for other in owned_models() for r in references_of(other) if r.model is model]
    return any(
        on_delete == "restrict"
        or (on_delete == "cascade" and other not in seen and deletion_can_be_refused(other, seen))
        for other, on_delete in referring
    )


def missing_targets() -> Iterator[str]:
    """Yield a sentence for each field that refers to a missing table; call it after the import of all models."""
    tables = SQLModel.metadata.tables
    for model in owned_models():
        for name, field in model.model_fields.items():
            declared = declaration_of(field)
            if declared and declared.target and declared.target.table not in tables:
                known = f"the tables are {', '.join(sorted(owned_table_names()))}"
                yield f"{model.__name__}.{name}: ref() names {declared.target.table!r}, which is not a table; {known}."


def _reference(key: ForeignKeyConstraint, model: type[Owned]) -> Reference:
    column = next(column for column in key.columns if column.name != OWNER_COLUMN)
    from_database: OnDelete = "cascade" if key.ondelete == "CASCADE" else "restrict"
    return Reference(column.name, model, bool(column.nullable), key.info.get(ON_DELETE, from_database))

"""Checks the tables and mapped classes, when the application starts, for mistakes that break the isolation of users.

Queries do not fail because of these mistakes: for example a foreign key that can refer to another user's row.
"""

from collections.abc import Iterator
from typing import cast

from sqlalchemy import ForeignKeyConstraint, Table, inspect
from sqlalchemy.orm import Mapper
from sqlmodel import SQLModel

from app.core.data.errors import InvalidDeclaration
from app.core.data.schema.protections import Protection, protections_of
from app.core.data.tables.links import missing_link_targets
from app.core.data.tables.owned import OWNER_COLUMN, Owned
from app.core.data.tables.queryable import HIDDEN
from app.core.data.tables.references import missing_targets
from app.core.data.tables.registry import owned_models


def check_mapping() -> None:
    """Check every table and every owned class; TypeError says which declaration to change."""
    for fault in (*missing_targets(), *missing_link_targets()):
        raise InvalidDeclaration(fault)
    for fault in _faults_of_names():
        raise TypeError(fault)
    for table in SQLModel.metadata.tables.values():
        for fault in (*_faults_of_columns(table), *_faults_of_keys(table)):
            raise TypeError(fault)
    for model in owned_models():
        for fault in _faults_of_mapper(inspect(model)):
            raise TypeError(fault)


def _faults_of_names() -> Iterator[str]:
    # The compiler recognizes an owned table by its name alone, without regard to case.
    tables: dict[str, Table] = {}
    for table in SQLModel.metadata.tables.values():
        if (other := tables.setdefault(table.name.lower(), table)) is not table:
            yield f"{table} and {other} have the same name apart from case; rename one of them."
    protections: dict[str, Protection] = {}
    for protection in protections_of(SQLModel.metadata):
        if (first := protections.setdefault(protection.name, protection)) is not protection:
            yield f"op.{first.call} and op.{protection.call} make triggers of the same name; rename one of the fields."


def _faults_of_columns(table: Table) -> Iterator[str]:
    for column in table.c:
        if OWNER_COLUMN in (column.name, column.key) and column.name != column.key:
            yield f"{table}.{column.name} is the owner under another name; call the column and its key {OWNER_COLUMN}."


def _faults_of_keys(table: Table) -> Iterator[str]:
    # A foreign key without the owner reveals which ids other users have, and can block the deletion of their rows.
    for key in table.foreign_key_constraints:
        if OWNER_COLUMN in key.referred_table.c and not _carries_owner(key):
            column, target = key.column_keys[0], key.referred_table.name
            owned = "" if OWNER_COLUMN in table.c else f"derive the class of {table} from Owned and "
            yield (
                f"{table}.{column} can refer to another user's row: {owned}write it as "
                f"`{column}: RowId = ref({target!r}, ...)`."
            )


def _carries_owner(key: ForeignKeyConstraint) -> bool:
    return any(part.parent.name == part.column.name == OWNER_COLUMN for part in key.elements)


def _faults_of_mapper(mapper: Mapper[Owned]) -> Iterator[str]:
    table = cast("Table", mapper.local_table)
    if mapper.version_id_col is not table.c[OWNER_COLUMN] or mapper.version_id_generator:
        yield (
            f"`__mapper_args__` of {mapper.class_.__name__} replaces that of Owned: write it as a "
            "`declared_attr.directive` that returns `owned_mapper_args(cls) | {...}`."
        )
    for column in table.c:
        if HIDDEN not in column.info and mapper.get_property_by_column(column).key != column.key:
            name = mapper.class_.__name__
            yield f"{name} calls {table}.{column.name} by another name; give the field the name of the column."

"""Detects possible renames: pairs of a dropped and a new table or column that are alike."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from alembic.operations import MigrateOperation
from alembic.operations.ops import AddColumnOp, CreateTableOp, DropColumnOp, DropTableOp, ModifyTableOps

from app.core.data.schema.ddl.type_changes import affinity_of

_EVERYWHERE: Final = {"id", "user_id", "created_at", "updated_at"}
_ALIKE: Final = 0.5  # the share of fields that two tables have in common, by name


def possible_table_renames(operations: Iterable[MigrateOperation]) -> Iterator[tuple[str, str]]:
    """Yield old and new names of tables, the most similar pair first."""
    operations = list(operations)
    gone = {op.table_name: _fields(op.reverse()) for op in operations if isinstance(op, DropTableOp)}
    new = {op.table_name: _fields(op) for op in operations if isinstance(op, CreateTableOp)}
    alike = [(_likeness(gone[old], new[name]), old, name) for old in gone for name in new]
    for likeness, old, name in sorted(alike, reverse=True):
        if likeness >= _ALIKE:
            yield old, name


def possible_column_renames(operations: Iterable[MigrateOperation]) -> Iterator[tuple[str, str, str, bool]]:
    """Yield table, old and new name of each pair of columns, and whether both have the same type affinity."""
    for modified in operations:
        if isinstance(modified, ModifyTableOps):
            gone = [op for op in modified.ops if isinstance(op, DropColumnOp)]
            new = [op for op in modified.ops if isinstance(op, AddColumnOp)]
            for old, added in ((old, added) for old in gone for added in new):
                is_alike = affinity_of(old.to_column().type) is affinity_of(added.column.type)
                yield modified.table_name, old.column_name, added.column.name, is_alike


def _fields(operation: Any) -> set[str]:
    return {column.name for column in operation.to_table().columns} - _EVERYWHERE


def _likeness(old: set[str], new: set[str]) -> float:
    return len(old & new) / len(old | new) if old | new else 1.0

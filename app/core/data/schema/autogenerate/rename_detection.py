"""Detects possible renames: pairs of a dropped and a new table or column that are alike."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from alembic.operations import MigrateOperation
from alembic.operations.ops import AddColumnOp, CreateTableOp, DropColumnOp, DropTableOp, ModifyTableOps

from app.core.data.schema.ddl.type_changes import affinity_of
from app.core.data.schema.operations.renames import link_table_after
from app.core.data.tables.queryable import HIDDEN
from app.core.data.tables.row_ids import has_link_columns

_COMMON_FIELDS: Final = {"id", "user_id", "created_at", "updated_at"}
_MIN_SIMILARITY: Final = 0.5  # the share of field names that two tables have in common


def possible_table_renames(operations: Iterable[MigrateOperation]) -> Iterator[tuple[str, str]]:
    """Yield old and new names of tables, the most similar pair first."""
    operations = [operation for operation in operations if not is_of_link_table(operation)]
    gone = {op.table_name: _fields(op.reverse()) for op in operations if isinstance(op, DropTableOp)}
    new = {op.table_name: _fields(op) for op in operations if isinstance(op, CreateTableOp)}
    pairs = [(_similarity(gone[old], new[name]), old, name) for old in gone for name in new]
    for similarity, old, name in sorted(pairs, reverse=True):
        if similarity >= _MIN_SIMILARITY:
            yield old, name


def link_table_renames(
    operations: Iterable[MigrateOperation], renames: Sequence[MigrateOperation]
) -> Iterator[tuple[str, str]]:
    """Yield old and new names of the link tables that follow the renames of their tables and fields."""
    links = [operation for operation in operations if is_of_link_table(operation)]
    new = {op.table_name for op in links if isinstance(op, CreateTableOp)}
    for old in (op.table_name for op in links if isinstance(op, DropTableOp)):
        if (renamed := link_table_after(old, renames)) in new:
            yield old, renamed


def is_of_link_table(operation: MigrateOperation) -> bool:
    """Return whether an operation creates or drops a link table."""
    if not isinstance(operation, CreateTableOp | DropTableOp):
        return False
    return has_link_columns(column.name for column in operation.to_table().columns)


def possible_column_renames(operations: Iterable[MigrateOperation]) -> Iterator[tuple[str, str, str, bool]]:
    """Yield the table, the old and new name of each pair of columns, and whether their type affinity is the same."""
    for modified in operations:
        if isinstance(modified, ModifyTableOps):
            gone = [op for op in modified.ops if isinstance(op, DropColumnOp)]
            new = [op for op in modified.ops if isinstance(op, AddColumnOp) and HIDDEN not in op.column.info]
            for old, added in ((old, added) for old in gone for added in new):
                is_alike = affinity_of(old.to_column().type) is affinity_of(added.column.type)
                yield modified.table_name, old.column_name, added.column.name, is_alike


def _fields(operation: Any) -> set[str]:
    return {column.name for column in operation.to_table().columns} - _COMMON_FIELDS


def _similarity(old: set[str], new: set[str]) -> float:
    return len(old & new) / len(old | new) if old | new else 1.0

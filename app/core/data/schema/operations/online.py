"""Operations that run while the application reads and writes the table.

    with op.online():
        op.fill_empty("tasks", "priority", "normal")
        op.alter_column("tasks", "priority", nullable=False)

On PostgreSQL each operation in the block commits by itself (`ddl/postgres.py`). On SQLite the block has no effect.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations
from sqlalchemy import MetaData, Table, Update, column, literal, literal_column, table, update

from app.core.data.schema.ddl.batches import batches_of
from app.core.data.schema.ddl.postgres import PostgresImpl


@Operations.register_operation("online")
class OnlineOp(MigrateOperation):
    """A block of operations that run online."""

    def __init__(self, ops: Sequence[MigrateOperation]) -> None:
        self.ops = ops

    @classmethod
    def online(cls, operations: Operations) -> AbstractContextManager[None]:
        """Return a block in which each operation commits by itself; it has to come first in its migration."""
        return _online(operations)


@contextmanager
def _online(operations: Operations) -> Iterator[None]:
    if not isinstance(operations.impl, PostgresImpl):
        yield
        return
    operations.impl.refuse_started_transaction()
    with operations.get_context().autocommit_block(), operations.impl.online():
        yield


@Operations.register_operation("replace_value")
class ReplaceValueOp(MigrateOperation):
    """Replace a value by another in a column."""

    def __init__(self, table_name: str, column: str, old: Any, new: Any) -> None:
        self.table_name, self.column, self.old, self.new = table_name, column, old, new

    @classmethod
    def replace_value(cls, operations: Operations, table_name: str, column: str, old: Any, new: Any) -> None:
        """Replace a value by another, where None is NULL; on PostgreSQL inside `op.online()` in batches."""
        operations.invoke(cls(table_name, column, old, new))


@Operations.register_operation("fill_empty")
class FillEmptyOp(ReplaceValueOp):
    """Replace NULL by a value in a column."""

    def __init__(self, table_name: str, column: str, value: Any) -> None:
        super().__init__(table_name, column, None, value)
        self.value = value

    @classmethod
    def fill_empty(cls, operations: Operations, table_name: str, column: str, value: Any) -> None:
        """Set a value where a column is NULL; on PostgreSQL inside `op.online()` in batches."""
        operations.invoke(cls(table_name, column, value))


@Operations.implementation_for(ReplaceValueOp)
def _replace(operations: Operations, operation: ReplaceValueOp) -> None:
    impl = operations.get_context().impl
    if impl.as_sql:
        target = column(operation.column, literal(operation.new).type)  # with --sql there is no table to reflect
        impl.execute(_statement(operation, table(operation.table_name, target)))
        return
    rows = Table(operation.table_name, MetaData(), autoload_with=operations.get_bind(), resolve_fks=False)
    change = _statement(operation, rows)
    if not isinstance(impl, PostgresImpl) or not impl.is_online:
        impl.execute(change)
        return
    for part in batches_of(operations.get_bind(), rows, impl.backoff.report):
        impl.execute(change.where(*part))


def _statement(operation: ReplaceValueOp, rows: Any) -> Update:
    target = rows.c[operation.column]
    is_old = target.is_(None) if operation.old is None else target == _literal(operation.old)
    return update(rows).where(is_old).values({target: _literal(operation.new)})


def _literal(value: Any) -> Any:
    # A literal instead of a bound parameter: the database reads it as a value of the column's type.
    return literal_column("'" + value.replace("'", "''") + "'") if isinstance(value, str) else value


@renderers.dispatch_for(FillEmptyOp)
def _render_fill(_: AutogenContext, operation: FillEmptyOp) -> str:
    return f"op.fill_empty({operation.table_name!r}, {operation.column!r}, {operation.value!r})"


@renderers.dispatch_for(ReplaceValueOp)
def _render_replace(_: AutogenContext, operation: ReplaceValueOp) -> str:
    names = f"{operation.table_name!r}, {operation.column!r}"
    return f"op.replace_value({names}, {operation.old!r}, {operation.new!r})"

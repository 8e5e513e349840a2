"""The operations of migrations that go on while others read and write the rows.

    with op.online():
        op.fill_empty("tasks", "priority", "normal")
        op.alter_column("tasks", "priority", nullable=False)

On PostgreSQL each operation in the block is stored by itself, in a form that lets nobody wait (`altering/postgres.py`);
whatever an earlier run did already is left as it is, so a migration that stopped half-way is simply run again.
On SQLite the block is no more than its operations.
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
    """Do what follows while others read and write."""

    def __init__(self, ops: Sequence[MigrateOperation]) -> None:
        self.ops = ops

    @classmethod
    def online(cls, operations: Operations) -> AbstractContextManager[None]:
        """Return a block in which each operation is stored by itself, and stops nobody.

        Raises:
            MigrationError: the migration has done something before, which would be stored already when it fails.
        """
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
    """Put one value in the place of another, in a column of all rows."""

    def __init__(self, table_name: str, column: str, old: Any, new: Any) -> None:
        self.table_name, self.column, self.old, self.new = table_name, column, old, new

    @classmethod
    def replace_value(cls, operations: Operations, table_name: str, column: str, old: Any, new: Any) -> None:
        """Replace a value by another, None standing for NULL; online on PostgreSQL, some thousand rows at a time."""
        operations.invoke(cls(table_name, column, old, new))


@Operations.register_operation("fill_empty")
class FillEmptyOp(ReplaceValueOp):
    """Give a value to the rows that have none."""

    def __init__(self, table_name: str, column: str, value: Any) -> None:
        super().__init__(table_name, column, None, value)
        self.value = value

    @classmethod
    def fill_empty(cls, operations: Operations, table_name: str, column: str, value: Any) -> None:
        """Set a value where a column is NULL; online on PostgreSQL, some thousand rows at a time."""
        operations.invoke(cls(table_name, column, value))


@Operations.implementation_for(ReplaceValueOp)
def _replace(operations: Operations, operation: ReplaceValueOp) -> None:
    impl = operations.get_context().impl
    if impl.as_sql:
        of_rows = column(operation.column, literal(operation.new).type)  # nobody can be asked for its own
        impl.execute(_statement(operation, table(operation.table_name, of_rows)))
        return
    rows = Table(operation.table_name, MetaData(), autoload_with=operations.get_bind(), resolve_fks=False)
    change = _statement(operation, rows)
    if not isinstance(impl, PostgresImpl) or not impl.is_online:
        impl.execute(change)
        return
    for part in batches_of(operations.get_bind(), rows, impl.backoff.report):
        impl.execute(change.where(*part))


def _statement(operation: ReplaceValueOp, rows: Any) -> Update:
    of_rows = rows.c[operation.column]
    is_old = of_rows.is_(None) if operation.old is None else of_rows == _literal(operation.old)
    return update(rows).where(is_old).values({of_rows: _literal(operation.new)})


def _literal(value: Any) -> Any:
    """A text as SQL has it: that is a value of every type, as a default is."""
    return literal_column("'" + value.replace("'", "''") + "'") if isinstance(value, str) else value


@renderers.dispatch_for(FillEmptyOp)
def _render_fill(_: AutogenContext, operation: FillEmptyOp) -> str:
    return f"op.fill_empty({operation.table_name!r}, {operation.column!r}, {operation.value!r})"


@renderers.dispatch_for(ReplaceValueOp)
def _render_replace(_: AutogenContext, operation: ReplaceValueOp) -> str:
    names = f"{operation.table_name!r}, {operation.column!r}"
    return f"op.replace_value({names}, {operation.old!r}, {operation.new!r})"

"""The backfill of a new fold: `op.fill_fold("tasks", "title", 400)`."""

from functools import partial

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations

from app.core.data.schema.ddl.postgres import PostgresImpl
from app.core.data.schema.fold_backfill import FoldedText


@Operations.register_operation("fill_fold")
class FillFoldOp(MigrateOperation):
    """Compute the fold of a text in the rows that have none."""

    def __init__(self, table_name: str, column: str, cut: int | None = None) -> None:
        self.table_name, self.column, self.cut = table_name, column, cut

    @classmethod
    def fill_fold(cls, operations: Operations, table_name: str, column: str, cut: int | None = None) -> None:
        """Fill the fold of a text, cut at a number of characters; on PostgreSQL inside `op.online()` in batches."""
        operations.invoke(cls(table_name, column, cut))


@Operations.implementation_for(FillFoldOp)
def _fill(operations: Operations, operation: FillFoldOp) -> None:
    impl = operations.get_context().impl
    if impl.as_sql:
        impl.static_output(f"-- `app migrate` computes the fold of {operation.table_name}.{operation.column} in Python")
        return
    connection = operations.get_bind()
    is_online = isinstance(impl, PostgresImpl) and impl.is_online
    FoldedText(operation.table_name, operation.column, operation.cut).fill(
        lambda change: impl.with_lock_timeout(partial(change, connection)) if is_online else change(connection)  # type: ignore[attr-defined]
    )


@renderers.dispatch_for(FillFoldOp)
def _render(_: AutogenContext, operation: FillFoldOp) -> str:
    cut = f", {operation.cut}" if operation.cut else ""
    return f"op.fill_fold({operation.table_name!r}, {operation.column!r}{cut})"

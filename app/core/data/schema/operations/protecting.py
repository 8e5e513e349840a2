"""The operations that create and drop protections, and their comparison in autogenerate.

For example `op.protect_owner("tasks")` and `op.clear_on_delete("tasks", "project_id", "projects")`.
"""

from typing import Any, Final, cast

from alembic.autogenerate import comparators, renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations
from alembic.operations.ops import ModifyTableOps, UpgradeOps
from alembic.util import DispatchPriority
from sqlalchemy import Connection, MetaData

from app.core.data.schema.inspection import read_protections
from app.core.data.schema.linked_rows import LinkedRows
from app.core.data.schema.protections import ClearedReference, OwnerProtection, Protection, protections_of
from app.core.data.tables.row_ids import table_options


@Operations.register_operation("protect_owner", "protect_owner")
@Operations.register_operation("clear_on_delete", "clear_on_delete")
@Operations.register_operation("link_rows", "link_rows")
class ProtectOp(MigrateOperation):
    """Create a protection."""

    def __init__(self, protection: Protection) -> None:
        self.protection = protection

    @classmethod
    def protect_owner(cls, operations: Operations, table: str) -> None:
        """Make the owner of a table's rows final, and add the policy of the table on PostgreSQL."""
        operations.invoke(cls(OwnerProtection(table)))

    @classmethod
    def clear_on_delete(
        cls, operations: Operations, table: str, column: str, target: str, changed_at: str | None = None
    ) -> None:
        """Set a reference to NULL when its target is deleted, and the column `changed_at` to the time."""
        operations.invoke(cls(ClearedReference(table, column, target, changed_at)))

    @classmethod
    def link_rows(
        cls, operations: Operations, table: str, column: str, target: str, changed_at: str | None = None
    ) -> None:
        """Write the ids in a list into its link table, and take the id of a deleted row out of the lists."""
        operations.invoke(cls(LinkedRows(table, column, target, changed_at)))

    def reverse(self) -> "UnprotectOp":
        return UnprotectOp(self.protection)

    def to_diff_tuple(self) -> tuple[str, str]:
        return ("add_protection", self.protection.call)


@Operations.register_operation("unprotect_owner", "protect_owner")
@Operations.register_operation("keep_on_delete", "clear_on_delete")
@Operations.register_operation("unlink_rows", "link_rows")
class UnprotectOp(ProtectOp):
    """Drop a protection."""

    def reverse(self) -> "ProtectOp":  # type: ignore[override]  # each is the other's opposite
        return ProtectOp(self.protection)

    def to_diff_tuple(self) -> tuple[str, str]:
        return ("remove_protection", self.protection.call)


@Operations.implementation_for(ProtectOp)
def _protect(operations: Operations, operation: ProtectOp) -> None:
    for statement in operation.protection.create(operations.get_bind().dialect.name):
        operations.execute(statement)


@Operations.implementation_for(UnprotectOp)
def _unprotect(operations: Operations, operation: UnprotectOp) -> None:
    for statement in operation.protection.drop(operations.get_bind().dialect.name):
        operations.execute(statement)


_modify_table: Final = renderers.dispatch(ModifyTableOps)


@comparators.dispatch_for("schema", priority=DispatchPriority.LAST)
def _compare(context: AutogenContext, upgrade_ops: UpgradeOps, _: Any) -> None:
    # Protections are dropped before their tables change, and created after all tables exist.
    held = read_protections(cast("Connection", context.connection))
    expected = [*protections_of(cast("MetaData", context.metadata))]
    gone = sorted(held.protections - {*expected}, key=lambda protection: protection.name, reverse=True)
    upgrade_ops.ops[:0] = [UnprotectOp(protection) for protection in gone]
    upgrade_ops.ops += [ProtectOp(protection) for protection in expected if not held.has(protection)]


@renderers.dispatch_for(ProtectOp)
def _render(_: AutogenContext, operation: ProtectOp) -> str:
    return f"op.{operation.protection.call}"


@renderers.dispatch_for(UnprotectOp)
def _render_reverse(_: AutogenContext, operation: UnprotectOp) -> str:
    return f"op.{operation.protection.reverse_call}"


@renderers.dispatch_for(ModifyTableOps, replace=True)
def _render_batch(context: AutogenContext, operation: ModifyTableOps) -> list[str]:
    # A batch can rebuild the table; without AUTOINCREMENT SQLite would use deleted ids again.
    lines: list[str] = _modify_table(context, operation)
    table = cast("MetaData", context.metadata).tables.get(operation.table_name)
    options = table_options(table.c.keys() if table is not None else ())
    keeping = f"table_kwargs={options!r}"
    return [line.replace("schema=None) as batch_op", f"{keeping}) as batch_op") for line in lines]

"""The operations by which migrations make the protections, and what autogenerate does about them.

`op.protect_owner("tasks")` and `op.clear_on_delete("tasks", "project_id", "projects")`: autogenerate writes both for a
new table, and counts one that is missing as drift.
"""

from typing import Any, Final, cast

from alembic.autogenerate import comparators, renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations
from alembic.operations.ops import ModifyTableOps, UpgradeOps
from alembic.util import DispatchPriority
from sqlalchemy import Connection, MetaData

from app.core.data.schema.inspection import read_protections
from app.core.data.schema.protections import ClearedReference, OwnerProtection, Protection, protections_of


@Operations.register_operation("protect_owner", "protect_owner")
@Operations.register_operation("clear_on_delete", "clear_on_delete")
class ProtectOp(MigrateOperation):
    """Make a protection, in a migration."""

    def __init__(self, protection: Protection) -> None:
        self.protection = protection

    @classmethod
    def protect_owner(cls, operations: Operations, table: str) -> None:
        """Protect the owner of a table's rows."""
        operations.invoke(cls(OwnerProtection(table)))

    @classmethod
    def clear_on_delete(
        cls, operations: Operations, table: str, column: str, target: str, changed_at: str | None = None
    ) -> None:
        """Clear a reference when the row that it refers to is deleted, and note in `changed_at` when that was."""
        operations.invoke(cls(ClearedReference(table, column, target, changed_at)))

    def reverse(self) -> "UnprotectOp":
        """Return the opposite."""
        return UnprotectOp(self.protection)

    def to_diff_tuple(self) -> tuple[str, str]:
        """Return what drift calls it."""
        return ("add_protection", self.protection.call)


@Operations.register_operation("unprotect_owner", "protect_owner")
@Operations.register_operation("keep_on_delete", "clear_on_delete")
class UnprotectOp(ProtectOp):
    """Take a protection away, in a migration."""

    def reverse(self) -> "ProtectOp":  # type: ignore[override]  # each is the other's opposite
        """Return the opposite."""
        return ProtectOp(self.protection)

    def to_diff_tuple(self) -> tuple[str, str]:
        """Return what drift calls it."""
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
    """Take what nothing calls for away before its tables change, and add what is missing behind them."""
    held, expected = (
        read_protections(cast("Connection", context.connection)),
        [*protections_of(cast("MetaData", context.metadata))],
    )
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
    """Keep SQLite's AUTOINCREMENT: a batch rebuilds the table, and would let deleted ids be given again."""
    lines: list[str] = _modify_table(context, operation)
    keeping = "table_kwargs={'sqlite_autoincrement': True}"
    return [line.replace("schema=None) as batch_op", f"{keeping}) as batch_op") for line in lines]

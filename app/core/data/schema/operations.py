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
from sqlalchemy import Connection, MetaData, text

from app.core.data.schema.protections import ClearedReference, OwnerProtection, Protection, protections_of


def _present(connection: Connection) -> set[str]:
    if connection.dialect.name == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        # SQLite has no policies: count those as there whose trigger is.
        names = set(connection.execute(text(query)).scalars())
        return names | {name.removesuffix("_is_final") for name in names}
    query = """
        SELECT tgname FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT polname FROM pg_policy JOIN pg_class c ON c.oid = polrelid WHERE c.relrowsecurity
    """
    return set(connection.execute(text(query)).scalars())


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
    """Add what is missing behind the tables that it protects."""
    connection, metadata = cast("Connection", context.connection), cast("MetaData", context.metadata)
    present = _present(connection)
    for protection in protections_of(metadata):
        if not protection.parts <= present:
            upgrade_ops.ops.append(ProtectOp(protection))


@renderers.dispatch_for(ProtectOp)
def _render(_: AutogenContext, operation: ProtectOp) -> str:
    return f"op.{operation.protection.call}"


@renderers.dispatch_for(UnprotectOp)
def _render_opposite(_: AutogenContext, operation: UnprotectOp) -> str:
    call = operation.protection.call
    return f"op.{call.replace('protect_owner', 'unprotect_owner').replace('clear_on_delete', 'keep_on_delete')}"


@renderers.dispatch_for(ModifyTableOps, replace=True)
def _render_batch(context: AutogenContext, operation: ModifyTableOps) -> list[str]:
    """Keep SQLite's AUTOINCREMENT: a batch rebuilds the table, and would let deleted ids be given again."""
    lines: list[str] = _modify_table(context, operation)
    keeping = "table_kwargs={'sqlite_autoincrement': True}"
    return [line.replace("schema=None) as batch_op", f"{keeping}) as batch_op") for line in lines]

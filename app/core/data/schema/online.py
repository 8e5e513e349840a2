"""Placeholder, replaced."""

from contextlib import nullcontext
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations

from app.core.data.schema.protections import quoted


class OnlineOp(MigrateOperation):
    def __init__(self, ops: list[MigrateOperation]) -> None:
        self.ops = ops


@Operations.register_operation("online")
class _Online(MigrateOperation):
    @classmethod
    def online(cls, operations: Operations) -> Any:
        return nullcontext()


@Operations.register_operation("replace_value")
class ReplaceValueOp(MigrateOperation):
    def __init__(self, table_name: str, column: str, old: Any, new: Any) -> None:
        self.table_name, self.column, self.old, self.new = table_name, column, old, new

    @classmethod
    def replace_value(cls, operations: Operations, table: str, column: str, old: Any, new: Any) -> None:
        operations.invoke(cls(table, column, old, new))


@Operations.register_operation("fill_empty")
class FillEmptyOp(ReplaceValueOp):
    def __init__(self, table: str, column: str, value: Any) -> None:
        super().__init__(table, column, None, value)
        self.value = value

    @classmethod
    def fill_empty(cls, operations: Operations, table: str, column: str, value: Any) -> None:
        operations.invoke(cls(table, column, value))


@Operations.implementation_for(ReplaceValueOp)
def _fill(operations: Operations, operation: ReplaceValueOp) -> None:
    t, c = quoted(operation.table_name), quoted(operation.column)
    v = operation.new
    lit = ("true" if v else "false") if isinstance(v, bool) else "'" + str(v).replace("'", "''") + "'"
    where = "IS NULL" if operation.old is None else "= '" + operation.old.replace("'", "''") + "'"
    operations.execute(f"UPDATE {t} SET {c} = {lit} WHERE {c} {where}")


@renderers.dispatch_for(FillEmptyOp)
def _render_fill(_: AutogenContext, operation: FillEmptyOp) -> str:
    return f"op.fill_empty({operation.table_name!r}, {operation.column!r}, {operation.value!r})"


@renderers.dispatch_for(ReplaceValueOp)
def _render_replace(_: AutogenContext, operation: ReplaceValueOp) -> str:
    names = f"{operation.table_name!r}, {operation.column!r}"
    return f"op.replace_value({names}, {operation.old!r}, {operation.new!r})"

"""The operations that rename a table or a column, with the constraints and indexes that are named after it.

For example `op.rename_noun("notes", "memos", {"uq_notes_user_id_id": "uq_memos_user_id_id"})`. Protections are dropped
before it, and created again after it.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations
from sqlalchemy import Connection, MetaData, Table, inspect
from sqlalchemy.schema import conv

from app.core.data.schema.quoting import quoted
from app.core.data.tables.row_ids import table_options

Parts = Mapping[str, str]


@Operations.register_operation("rename_noun")
class RenameNounOp(MigrateOperation):
    """Rename a table."""

    def __init__(self, old: str, new: str, parts: Parts) -> None:
        self.old, self.new, self.parts = old, new, parts

    @classmethod
    def rename_noun(cls, operations: Operations, old: str, new: str, parts: Parts) -> None:
        """Rename a table; `parts` maps old names of constraints and indexes to new names."""
        operations.invoke(cls(old, new, parts))

    @property
    def table(self) -> str:
        return self.new

    def reverse(self) -> "RenameNounOp":
        return RenameNounOp(self.new, self.old, _swapped(self.parts))

    def to_diff_tuple(self) -> tuple[str, str, str]:
        return ("rename_noun", self.old, self.new)


@Operations.register_operation("rename_field")
class RenameFieldOp(MigrateOperation):
    """Rename a column."""

    def __init__(self, table: str, old: str, new: str, parts: Parts) -> None:
        self.table, self.old, self.new, self.parts = table, old, new, parts

    @classmethod
    def rename_field(cls, operations: Operations, table: str, old: str, new: str, parts: Parts) -> None:
        """Rename a column; `parts` maps old names of constraints and indexes to new names."""
        operations.invoke(cls(table, old, new, parts))

    def reverse(self) -> "RenameFieldOp":
        return RenameFieldOp(self.table, self.new, self.old, _swapped(self.parts))

    def to_diff_tuple(self) -> tuple[str, str, str, str]:
        return ("rename_field", self.table, self.old, self.new)


def noun_rename(connection: Connection, old: str, new: str) -> RenameNounOp:
    """Return the operation that renames a table, with the constraints and indexes that are named after it."""
    prefix = re.compile(rf"(pk|uq|fk|ix|ck)_{re.escape(old)}(?=_|$)")
    names = {name: prefix.sub(rf"\1_{new}", name) for name in _columns_of_parts(connection, old)}
    return RenameNounOp(old, new, _changed(names))


def field_rename(connection: Connection, table: str, old: str, new: str) -> RenameFieldOp:
    """Return the operation that renames a column, with the constraints and indexes that are named after it."""
    names = {}
    for name, columns in _columns_of_parts(connection, table).items():
        kind, after = name.partition("_")[0], [new if column == old else column for column in columns]
        is_conventional = name == "_".join([kind, table, *columns])
        names[name] = "_".join([kind, table, *after]) if is_conventional else name
    return RenameFieldOp(table, old, new, _changed(names))


def link_table_after(name: str, operations: Iterable[MigrateOperation]) -> str:
    """Return the name that a link table should have after these renames: it is named after its table and field."""
    for operation in operations:
        if isinstance(operation, RenameNounOp) and name.startswith(f"{operation.old}_"):
            name = operation.new + name.removeprefix(operation.old)
        elif isinstance(operation, RenameFieldOp) and name == f"{operation.table}_{operation.old}":
            name = f"{operation.table}_{operation.new}"
    return name


def _columns_of_parts(connection: Connection, table: str) -> dict[str, list[str]]:
    # By the names of constraints and indexes. A CHECK is named after its column.
    inspector = inspect(connection)
    found: list[Any] = [*inspector.get_unique_constraints(table), *inspector.get_indexes(table)]
    columns = {part["name"]: part["column_names"] for part in found}
    columns |= {key["name"]: key["constrained_columns"] for key in inspector.get_foreign_keys(table) if key["name"]}
    columns |= {check["name"]: [check["name"].removeprefix(f"ck_{table}_")] for check in _checks(inspector, table)}
    return columns | ({key: []} if (key := inspector.get_pk_constraint(table)["name"]) else {})


def _checks(inspector: Any, table: str) -> list[Any]:
    return [check for check in inspector.get_check_constraints(table) if check["name"]]


def _changed(names: Parts) -> dict[str, str]:
    return {old: new for old, new in sorted(names.items()) if old != new}


def _swapped(parts: Parts) -> dict[str, str]:
    return {new: old for old, new in parts.items()}


@Operations.implementation_for(RenameNounOp)
def _rename_noun(operations: Operations, operation: RenameNounOp) -> None:
    operations.rename_table(operation.old, operation.new)
    if operations.get_context().dialect.name == "postgresql":
        old, new = quoted(f"{operation.old}_id_seq"), quoted(f"{operation.new}_id_seq")
        operations.execute(f"ALTER SEQUENCE IF EXISTS {old} RENAME TO {new}")
    _rename_parts(operations, operation.new, operation.parts)


@Operations.implementation_for(RenameFieldOp)
def _rename_field(operations: Operations, operation: RenameFieldOp) -> None:
    operations.alter_column(operation.table, operation.old, new_column_name=operation.new)
    _rename_parts(operations, operation.table, operation.parts)


def _rename_parts(operations: Operations, table: str, parts: Parts) -> None:
    if operations.get_context().dialect.name == "postgresql":
        for old, new in parts.items():
            operations.execute(_rename_part(table, old, new))
    elif parts:
        _rebuild(operations, table, parts)


def _rebuild(operations: Operations, table: str, parts: Parts) -> None:
    # SQLite can rename no constraint and no index.
    listeners = [("column_reflect", operations.get_context().impl.autogen_column_reflect)]
    bind = operations.get_bind()
    reflected = Table(table, MetaData(), autoload_with=bind, resolve_fks=False, listeners=listeners)
    named: list[Any] = [*reflected.constraints, *reflected.indexes]
    for part in named:
        if part.name in parts:
            part.name = conv(parts[str(part.name)])
    kept = table_options(reflected.columns.keys())
    with operations.batch_alter_table(table, recreate="always", copy_from=reflected, table_kwargs=kept):
        pass


def _rename_part(table: str, old: str, new: str) -> str:
    if old.startswith(("fk_", "ck_")):
        return f"ALTER TABLE {quoted(table)} RENAME CONSTRAINT {quoted(old)} TO {quoted(new)}"
    # A unique constraint has the name of its index.
    return f"ALTER INDEX IF EXISTS {quoted(old)} RENAME TO {quoted(new)}"


@renderers.dispatch_for(RenameNounOp)
def _render_noun(_: AutogenContext, operation: RenameNounOp) -> str:
    return f"op.rename_noun({operation.old!r}, {operation.new!r}, {operation.parts!r})"


@renderers.dispatch_for(RenameFieldOp)
def _render_field(_: AutogenContext, operation: RenameFieldOp) -> str:
    return f"op.rename_field({operation.table!r}, {operation.old!r}, {operation.new!r}, {operation.parts!r})"

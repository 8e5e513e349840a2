"""Descriptions of operations, one sentence each, for the author of the migration."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from alembic.operations import ops
from alembic.operations.ops import MigrateOperation
from sqlalchemy import String
from sqlalchemy.dialects import postgresql

from app.core.data.schema.autogenerate.rename_detection import is_of_link_table
from app.core.data.schema.ddl.type_changes import affinity_of
from app.core.data.schema.linked_rows import LinkedRows
from app.core.data.schema.operations.choices import ChangeChoicesOp
from app.core.data.schema.operations.folds import FillFoldOp
from app.core.data.schema.operations.online import FillEmptyOp, OnlineOp, ReplaceValueOp
from app.core.data.schema.operations.protecting import ProtectOp, UnprotectOp
from app.core.data.schema.operations.renames import RenameFieldOp, RenameNounOp
from app.core.data.schema.protections import OwnerProtection, Protection
from app.core.data.tables.folds import is_fold

_POSTGRES: Final = postgresql.dialect()  # type: ignore[no-untyped-call]


def describe(operations: Iterable[MigrateOperation]) -> list[str]:
    """Return a sentence for each operation, also for nested ones."""
    return [
        _SENTENCES[type(operation)](operation) for operation in flatten(operations) if type(operation) in _SENTENCES
    ]


def describe_losses(operations: Iterable[MigrateOperation]) -> list[str]:
    """Return the sentences of the operations that lose values."""
    # Not those of a fold or a link table, which are derived from the texts and the lists.
    drops = [each for each in flatten(operations) if isinstance(each, ops.DropTableOp | ops.DropColumnOp)]
    folds = [each for each in drops if isinstance(each, ops.DropColumnOp) and is_fold(each.to_column())]
    return describe(each for each in drops if each not in folds and not is_of_link_table(each))


def flatten(operations: Iterable[MigrateOperation]) -> Iterator[MigrateOperation]:
    """Yield operations, with the nested ones in place of their containers."""
    for operation in operations:
        if isinstance(operation, ops.OpContainer | OnlineOp):
            yield from flatten(operation.ops)
        else:
            yield operation


def _added(op: Any) -> str:
    default = getattr(op.column.server_default, "arg", None)
    empty = ", empty in the rows that exist" if op.column.nullable else ""
    value = f", {default} in the rows that exist" if default is not None else empty
    return f"adds {op.table_name}.{op.column.name}{value}"


def _altered(op: Any) -> str:
    name = f"{op.table_name}.{op.column_name}"
    if op.modify_type is None:
        return f"makes {name} {'optional' if op.modify_nullable else 'required'}"
    rewritten = "" if _is_instant(op) else "; PostgreSQL rewrites the table, and blocks reads and writes meanwhile"
    return f"makes {name} {_name_of(op.modify_type)} from {_name_of(op.existing_type)}{rewritten}"


def _name_of(column_type: Any) -> str:
    return str(column_type.compile(dialect=_POSTGRES))


def _is_instant(op: Any) -> bool:
    old, new = op.existing_type, op.modify_type
    longest, before = getattr(new, "length", None), getattr(old, "length", None)
    return affinity_of(old) is affinity_of(new) is String and (longest is None or bool(before and before <= longest))


def _chosen(op: Any) -> str:
    replaced = "".join(f"; {old!r} becomes {new!r}" for old, new in op.replaced.items())
    return f"lets {op.table_name}.{op.column_name} be {', '.join(map(repr, op.new))}, and no other value{replaced}"


def _columns(op: Any) -> str:
    return f"{op.table_name} ({', '.join(str(getattr(column, 'name', column)) for column in op.columns)})"


def _protection(protection: Protection) -> str:
    if isinstance(protection, OwnerProtection):
        return f"protect the owner of {protection.table}"
    if isinstance(protection, LinkedRows):
        return f"link the rows of {protection.table} to those of {protection.target} in {protection.column}"
    return f"set {protection.table}.{protection.column} to NULL when its row of {protection.target} is deleted"


_SENTENCES: Final[dict[type, Callable[[Any], str]]] = {
    ops.CreateTableOp: lambda op: f"creates the table {op.table_name}",
    ops.DropTableOp: lambda op: f"drops the table {op.table_name} and its rows",
    ops.AddColumnOp: _added,
    ops.DropColumnOp: lambda op: f"drops {op.table_name}.{op.column_name} and its values",
    ops.AlterColumnOp: _altered,
    ops.CreateIndexOp: lambda op: f"indexes {op.table_name} ({', '.join(map(str, op.to_index().expressions))})",
    ops.DropIndexOp: lambda op: f"drops the index {op.index_name}",
    ops.CreateUniqueConstraintOp: lambda op: f"makes {_columns(op)} unique",
    ops.CreateForeignKeyOp: lambda op: (
        f"lets {op.source_table} ({', '.join(op.local_cols)}) refer to {op.referent_table}"
    ),
    ops.CreateCheckConstraintOp: lambda op: f"adds the constraint {op.constraint_name} to {op.table_name}",
    ops.DropConstraintOp: lambda op: f"drops the constraint {op.constraint_name} of {op.table_name}",
    ProtectOp: lambda op: f"lets the database {_protection(op.protection)}",
    UnprotectOp: lambda op: f"lets the database no longer {_protection(op.protection)}",
    FillEmptyOp: lambda op: f"sets {op.table_name}.{op.column} to {op.value!r} where it is NULL",
    FillFoldOp: lambda op: f"computes the fold of {op.table_name}.{op.column} in the rows that exist",
    ReplaceValueOp: lambda op: f"sets {op.table_name}.{op.column} to {op.new!r} where it is {op.old!r}",
    ChangeChoicesOp: _chosen,
    RenameNounOp: lambda op: f"renames the table {op.old} to {op.new}",
    RenameFieldOp: lambda op: f"renames {op.table}.{op.old} to {op.new}",
}

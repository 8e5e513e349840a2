"""The columns as migrations declared them: reflection on SQLite loses part of a type, and a downgrade needs all."""

from collections.abc import Callable, Iterator
from typing import Any

from alembic.operations.ops import AddColumnOp, AlterColumnOp, CreateTableOp, DropColumnOp, DropTableOp
from sqlalchemy import Column, PrimaryKeyConstraint, Table
from sqlalchemy.schema import conv

from app.core.data.tables.folds import is_fold
from app.core.data.tables.row_ids import table_options


class DeclaredColumns:
    """Records the columns in alembic's operations; the DDL implementation of SQLite calls it."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, Column[Any]]] = {}

    def record(self, operation: str, /, *arguments: Any, **options: Any) -> None:
        """Record an operation by its name, with the arguments of its implementation."""
        handlers: dict[str, Callable[..., None]] = {"create_table": self._created, "rename_table": self._renamed}
        handlers |= {"add_column": self._added, "alter_column": self._altered}
        if operation in handlers:
            handlers[operation](*arguments, **options)

    def _created(self, table: Table) -> None:
        self._tables[table.name] = {column.name: column for column in table.columns}

    def _renamed(self, old: str, new: str) -> None:
        self._tables[new] = self._tables.pop(old, {})

    def _added(self, table: str, column: Column[Any], **_: Any) -> None:
        self._tables.setdefault(table, {})[column.name] = column

    def _altered(self, table: str, column: str, *, name: str | None = None, type_: Any = None, **_: Any) -> None:
        columns = self._tables.get(table, {})
        if column in columns:
            recorded = columns.pop(column)._copy()  # private, but alembic uses it too
            recorded.name, recorded.type = name or recorded.name, recorded.type if type_ is None else type_
            columns[recorded.name] = recorded

    def complete(self, operation: Any) -> None:
        """Replace the reflected types in an operation of autogenerate by the declared ones."""
        if isinstance(operation, AlterColumnOp):
            recorded = self._recorded(operation.table_name, operation.column_name)
            operation.existing_type = operation.existing_type if recorded is None else recorded.type
        elif isinstance(operation, DropColumnOp) and isinstance(operation._reverse, AddColumnOp):
            operation._reverse.column = self._restored(operation._reverse.column, operation.table_name)
        elif isinstance(operation, DropTableOp) and isinstance(operation._reverse, CreateTableOp):
            operation._reverse.columns = parts = list(self._create_again(operation._reverse))
            operation.table_kw.update(table_options(part.name for part in parts if isinstance(part, Column)))

    def is_fold(self, table: str, column: str) -> bool:
        """Return whether the migrations declared this column as one of folds."""
        recorded = self._recorded(table, column)
        return recorded is not None and is_fold(recorded)

    def _create_again(self, operation: CreateTableOp) -> Iterator[Any]:
        # SQLite reflects no name for a primary key.
        for part in operation.columns:
            if isinstance(part, PrimaryKeyConstraint):
                yield PrimaryKeyConstraint(*part.columns.keys(), name=conv(f"pk_{operation.table_name}"))
            else:
                yield self._restored(part, operation.table_name) if isinstance(part, Column) else part

    def _restored(self, column: Column[Any], table: str) -> Column[Any]:
        recorded = self._recorded(table, column.name)
        if recorded is None:
            return column
        again = recorded._copy()
        again.nullable = column.nullable
        return again

    def _recorded(self, table: str, column: str) -> Column[Any] | None:
        return self._tables.get(table, {}).get(column)

"""Alembic's operations on SQLite. A table that is rebuilt keeps its triggers and its AUTOINCREMENT counter.

A rebuild copies the rows to a new table, drops the old table and renames the new one.
"""

import re
from typing import Any, Final

from alembic.ddl.sqlite import SQLiteImpl
from alembic.operations.batch import BatchOperationsImpl
from sqlalchemy import Column, Table, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import False_, True_

from app.core.data.errors import UnfitRows
from app.core.data.schema.ddl.declared_columns import DeclaredColumns
from app.core.data.schema.ddl.type_changes import affinity_of, convert, refuse_changed_values

_TRIGGERS: Final = text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
_LAST_ID: Final = text("SELECT seq FROM sqlite_sequence WHERE name = :table")
_FORGET_IDS: Final = text("DELETE FROM sqlite_sequence WHERE name = :table")
_KEEP_IDS: Final = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :seq)")
_REBUILT: Final = re.compile(r"_alembic_tmp_(\w+)")
_PARAMETER: Final = re.compile(r":(?=\w)")
_BROKEN_KEYS: Final = text("SELECT parent FROM pragma_foreign_key_check(:table)")
_CONSTANTS: Final = (False_, True_)


class SqliteImpl(SQLiteImpl):
    """The DDL implementation of SQLite; alembic registers it by its `__dialect__`."""

    __dialect__ = "sqlite"

    def requires_recreate_in_batch(self, batch_op: BatchOperationsImpl) -> bool:
        # A new column with a constant default needs no rebuild.
        for operation, arguments, options in batch_op.batch:
            self._record(operation, *arguments, **options)
        plain = [part for part in batch_op.batch if not _adds_constant(*part)]
        return bool(plain) and super().requires_recreate_in_batch(_PartialBatch(plain))  # type: ignore[arg-type]

    def create_table(self, table: Table, **options: Any) -> None:
        self._record("create_table", table)
        super().create_table(table, **options)

    def add_column(self, table_name: str, column: Column[Any], **options: Any) -> None:
        self._record("add_column", table_name, column)
        super().add_column(table_name, column, **options)

    def alter_column(self, table_name: str, column_name: str, **options: Any) -> None:
        self._record("alter_column", table_name, column_name, **options)
        super().alter_column(table_name, column_name, **options)

    def _record(self, operation: str, /, *arguments: Any, **options: Any) -> None:
        declared: DeclaredColumns | None = self.context_opts.get("declared")
        if declared is not None:
            declared.record(operation, *arguments, **options)

    def prep_table_for_batch(self, batch_impl: Any, table: Table) -> None:
        # SQLite drops the triggers and the counter with the old table.
        super().prep_table_for_batch(batch_impl, table)
        named = {"table": table.name}
        self._triggers = list(self._execute(_TRIGGERS, named).scalars())
        self._last_id = self._execute(_LAST_ID, named).scalar() if _has_sequences(self.connection) else None

    def rename_table(self, old_table_name: str, new_table_name: str, schema: Any = None) -> None:
        is_rebuilt = old_table_name.startswith("_alembic_tmp_")
        if is_rebuilt:  # otherwise SQLite checks and rewrites triggers and views that name the table
            self._exec("PRAGMA legacy_alter_table = ON")
        else:
            self._record("rename_table", old_table_name, new_table_name)
        super().rename_table(old_table_name, new_table_name, schema)
        if is_rebuilt:
            self._exec("PRAGMA legacy_alter_table = OFF")
            self._restore(new_table_name)

    def _restore(self, table: str) -> None:
        for trigger in self._triggers:
            self._execute(text(trigger.replace(":", "\\:")), {})
        if self._last_id is not None:
            self._execute(_FORGET_IDS, {"table": table})
            self._execute(_KEEP_IDS, {"table": table, "seq": self._last_id})
        lost = {row.parent for row in self._execute(_BROKEN_KEYS, {"table": table})}
        if lost:
            raise UnfitRows(
                f"{table} has rows that refer to a missing row of {', '.join(sorted(lost))}: change them first"
            )

    def autogen_column_reflect(self, inspector: Any, table: Table, column_info: dict[str, Any]) -> None:
        # SQLAlchemy would read a colon in a reflected default as a bound parameter.
        super().autogen_column_reflect(inspector, table, column_info)
        if column_info.get("default"):
            column_info["default"] = _PARAMETER.sub(r"\\\g<0>", column_info["default"])

    def cast_for_batch_migrate(self, existing: Column[Any], existing_transfer: dict[str, Any], new_type: Any) -> None:
        column = existing_transfer["expr"]
        refuse_changed_values(self.connection, column, new_type)
        existing_transfer["expr"] = convert(column, new_type, self.dialect.name)
        if affinity_of(column.type) is not affinity_of(new_type):
            existing.server_default = None  # it is a value of the old type

    def _exec(self, construct: Any, *arguments: Any, **options: Any) -> Any:
        # A violation in the temporary table of a rebuild is one of the table itself.
        try:
            return super()._exec(construct, *arguments, **options)
        except IntegrityError as error:
            rebuilt = _REBUILT.search(str(error.orig))
            if rebuilt is None:
                raise
            reason = str(error.orig).replace("_alembic_tmp_", "")
            raise UnfitRows(
                f"some rows of {rebuilt[1]} break a constraint ({reason}): change them, and migrate again"
            ) from None

    def _execute(self, statement: Any, values: dict[str, Any]) -> Any:
        assert self.connection is not None, "a rebuild reads the table"  # noqa: S101
        return self.connection.execute(statement, values)


class _PartialBatch:
    """A part of a batch, with the one attribute that alembic's `requires_recreate_in_batch` reads."""

    def __init__(self, batch: list[Any]) -> None:
        self.batch = batch


def _adds_constant(name: str, arguments: tuple[Any, ...], _: dict[str, Any]) -> bool:
    default = arguments[1].server_default if name == "add_column" else None
    return default is not None and isinstance(getattr(default, "arg", None), _CONSTANTS)


def _has_sequences(connection: Any) -> bool:
    return bool(connection.dialect.has_table(connection, "sqlite_sequence"))

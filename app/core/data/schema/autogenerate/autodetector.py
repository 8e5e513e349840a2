"""Finds the operations of the next migration, from the scratch database, the models and the author's answers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from alembic.operations import MigrateOperation, Operations
from alembic.operations.ops import AddColumnOp, AlterColumnOp, ModifyTableOps, UpgradeOps
from sqlalchemy import Column, Connection, DefaultClause, MetaData

from app.core.data.schema.autogenerate.answers import Answers, Undecided
from app.core.data.schema.autogenerate.defaults import as_server_default, as_value, default_constant, read_constant
from app.core.data.schema.autogenerate.descriptions import describe_losses, flatten
from app.core.data.schema.autogenerate.meanings import refuse_other_kind, refuse_other_ranks, refuse_other_scale
from app.core.data.schema.autogenerate.ordering import sorted_operations
from app.core.data.schema.autogenerate.rename_detection import (
    link_table_renames,
    possible_column_renames,
    possible_table_renames,
)
from app.core.data.schema.ddl.declared_columns import DeclaredColumns
from app.core.data.schema.inspection import read_protections
from app.core.data.schema.operations.choices import ChangeChoicesOp
from app.core.data.schema.operations.folds import FillFoldOp
from app.core.data.schema.operations.online import FillEmptyOp
from app.core.data.schema.operations.protecting import UnprotectOp
from app.core.data.schema.operations.renames import RenameFieldOp, field_rename, noun_rename
from app.core.data.schema.operations.scales import ChangeScaleOp
from app.core.data.schema.protections import protections_of
from app.core.data.tables.folds import Fold
from app.core.data.tables.owned import OWNER_COLUMN
from app.core.data.tables.queryable import HIDDEN, fold_name


@dataclass
class Autodetector:
    """Compares the scratch database with the models; after each rename, which it applies there, it compares again."""

    context: MigrationContext
    answers: Answers
    declared: DeclaredColumns
    operations: list[MigrateOperation] = field(default_factory=list)

    def detect(self) -> list[MigrateOperation]:
        """Return the operations in the order in which they run; Undecided if an answer of the author is missing."""
        self._drop_protections()
        while rename := next(self._renames(), None):
            self._apply(rename)
            self._rename_fold(rename)
        self.operations += [self._complete(operation) for operation in sorted_operations(self._difference())]
        for operation in flatten(self.operations):
            self.declared.complete(operation)
        self.answers.refuse_unused()
        self.answers.confirm_losses(describe_losses(self.operations))
        return self.operations

    def _difference(self) -> list[MigrateOperation]:
        return cast("UpgradeOps", produce_migrations(self.context, self._metadata).upgrade_ops).ops

    def _apply(self, operation: MigrateOperation) -> None:
        Operations(self.context).invoke(operation)
        self.operations.append(operation)

    def _drop_protections(self) -> None:
        # Obsolete protections are dropped before their tables change.
        gone = read_protections(self._connection).protections - {*protections_of(self._metadata)}
        for protection in sorted(gone, key=lambda protection: protection.name, reverse=True):
            self._apply(UnprotectOp(protection))

    def _renames(self) -> Iterator[MigrateOperation]:
        difference = self._difference()
        for old, new in link_table_renames(difference, self.operations):
            yield noun_rename(self._connection, old, new)
        for old, new in possible_table_renames(difference):
            if self.answers.is_rename(old, new):
                yield noun_rename(self._connection, old, new)
        for table, old, new, is_alike in possible_column_renames(difference):
            if not self.declared.is_fold(table, old) and self.answers.is_rename(
                f"{table}.{old}", new, is_alike=is_alike
            ):
                yield field_rename(self._connection, table, old, new)

    def _rename_fold(self, rename: MigrateOperation) -> None:
        if not isinstance(rename, RenameFieldOp):
            return
        old, new = fold_name(rename.old), fold_name(rename.new)
        if self.declared.is_fold(rename.table, old):
            self._apply(field_rename(self._connection, rename.table, old, new))

    def _complete(self, operation: MigrateOperation) -> MigrateOperation:
        # Existing rows need values in new and required fields.
        if isinstance(operation, ModifyTableOps):
            operation.ops = [each for part in operation.ops for each in self._filled(part)]
        return operation

    def _filled(self, operation: MigrateOperation) -> Iterator[MigrateOperation]:
        if isinstance(operation, AddColumnOp):
            self._fill_new(operation)
            yield operation
            yield from self._fill_fold(operation)
            return
        elif isinstance(operation, AlterColumnOp) and operation.modify_nullable is False:
            yield from self._fill_empty(operation)
        elif isinstance(operation, ChangeChoicesOp):
            self._replace(operation)
        elif isinstance(operation, ChangeScaleOp):
            refuse_other_scale(operation)
        yield operation

    def _fill_new(self, operation: AddColumnOp) -> None:
        column = self._column(operation.table_name, operation.column.name)
        if column.nullable or column.server_default is not None:
            return
        operation.column = column._copy()  # private, but alembic uses it too
        if (value := self._value_for(column)) is not None:
            operation.column.server_default = DefaultClause(as_server_default(column, value))

    def _fill_fold(self, operation: AddColumnOp) -> Iterator[MigrateOperation]:
        column = self._column(operation.table_name, operation.column.name)
        if HIDDEN in column.info:
            yield FillFoldOp(operation.table_name, column.info[HIDDEN], cast("Fold", column.type).cut)

    def _fill_empty(self, operation: AlterColumnOp) -> Iterator[MigrateOperation]:
        column = self._column(operation.table_name, operation.column_name)
        if (value := self._value_for(column)) is not None:
            yield FillEmptyOp(operation.table_name, operation.column_name, as_value(column, value))

    def _replace(self, operation: ChangeChoicesOp) -> None:
        refuse_other_kind(operation)
        named = operation.table_name, operation.column_name
        operation.replaced = {old: self.answers.replacement_of(*named, old) for old in operation.removed}
        for value in {*operation.replaced.values()} - {*operation.new}:
            raise Undecided(f"{value!r} is not a choice of {'.'.join(named)}")
        refuse_other_ranks(operation)

    def _value_for(self, column: Column[Any]) -> Any:
        constant = default_constant(column)
        if constant is not None:
            return constant
        read = partial(read_constant, column)
        table, name = column.table.name, column.name
        return self.answers.default_of(table, name, read, is_reference=_is_reference(column))

    def _column(self, table: str, name: str) -> Column[Any]:
        return self._metadata.tables[table].c[name]

    @property
    def _connection(self) -> Connection:
        return cast("Connection", self.context.connection)

    @property
    def _metadata(self) -> MetaData:
        return cast("MetaData", self.context.opts["target_metadata"])


def _is_reference(column: Column[Any]) -> bool:
    keys = cast("Any", column.table).foreign_key_constraints
    return any(column.name in key.column_keys and OWNER_COLUMN in key.column_keys for key in keys)

"""Alembic's operations on PostgreSQL. In `op.online()` they are split into steps that block writers for a moment only.

A step that is done is skipped, so that an interrupted migration can run again.
"""

from functools import partial
from typing import Any

from sqlalchemy import Column, Constraint, Index, MetaData, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.schema import AddConstraint

from app.core.data.errors import UnfitRows
from app.core.data.schema.ddl.online import OnlineImpl
from app.core.data.schema.ddl.type_changes import affinity_of, convert, refuse_changed_values
from app.core.data.schema.quoting import quoted


class PostgresImpl(OnlineImpl):
    """The DDL implementation of PostgreSQL; alembic registers it by its `__dialect__`."""

    __dialect__ = "postgresql"

    def create_index(self, index: Index, **kw: Any) -> None:
        # PostgreSQL cannot index a partitioned table CONCURRENTLY, so writers wait.
        if not self.is_online or self.has_lock_timeout:
            super().create_index(index, **kw)
        elif self.catalog.is_partitioned(_table_of(index)):
            super().create_index(index, **kw | {"if_not_exists": True})
        else:
            self._create_concurrently(index)

    def drop_index(self, index: Index, **kw: Any) -> None:
        if self.is_online:
            kw["if_exists"] = True
            index.dialect_options["postgresql"]["concurrently"] = not self.catalog.is_partitioned(str(index.name))
        super().drop_index(index, **kw)

    def add_constraint(self, const: Any, **kw: Any) -> None:
        is_wanted = const._create_rule is None or const._create_rule(self)
        if not self.is_online or self.has_lock_timeout or not isinstance(const.name, str):
            super().add_constraint(const, **kw)
        elif is_wanted and not self.catalog.is_constraint_valid(_table_of(const), const.name):
            self._add_validated(const)

    def drop_constraint(self, const: Constraint, **kw: Any) -> None:
        super().drop_constraint(const, **kw | ({"if_exists": True} if self.is_online else {}))

    def alter_column(self, table_name: str, column_name: str, **kw: Any) -> None:
        if kw.get("type_") is not None and kw.get("existing_type") is not None:
            kw |= self._convert(Table(table_name, MetaData(), Column(column_name, kw["existing_type"])), kw["type_"])
        if not self.is_online:
            super().alter_column(table_name, column_name, **kw)
            return
        name, nullable = kw.pop("name", None), kw.pop("nullable", None)
        if name and not self.catalog.has_column(table_name, column_name):
            column_name, name = name, None
        super().alter_column(table_name, column_name, nullable=nullable or None, **kw)
        if nullable is False:
            self._set_not_null(table_name, column_name)
        if name:
            super().alter_column(table_name, column_name, name=name)

    def add_column(self, table_name: str, column: Column[Any], **kw: Any) -> None:
        super().add_column(table_name, column, **kw | ({"if_not_exists": True} if self.is_online else {}))

    def drop_column(self, table_name: str, column: Column[Any], **kw: Any) -> None:
        super().drop_column(table_name, column, **kw | ({"if_exists": True} if self.is_online else {}))

    def create_table(self, table: Table, **kw: Any) -> None:
        if not self.is_online:
            super().create_table(table, **kw)
        elif not self.catalog.has_table(table.name):
            self.with_lock_timeout(partial(super().create_table, table, **kw))

    def drop_table(self, table: Table, **kw: Any) -> None:
        super().drop_table(table, **kw | ({"if_exists": True} if self.is_online else {}))

    def rename_table(self, old_table_name: str, new_table_name: Any, schema: Any = None) -> None:
        if not self.is_online or self.catalog.has_table(old_table_name):
            super().rename_table(old_table_name, new_table_name, schema)

    def _convert(self, table: Table, new: Any) -> dict[str, Any]:
        (column,) = table.columns
        refuse_changed_values(None if self.as_sql else self.connection, column, new)
        if affinity_of(column.type) is affinity_of(new):
            return {}
        self._exec(f"ALTER TABLE {quoted(table.name)} ALTER COLUMN {quoted(column.name)} DROP DEFAULT")
        converted = convert(column, new, self.dialect.name)
        options = {"literal_binds": True, "include_table": False}
        return {"postgresql_using": str(converted.compile(dialect=self.dialect, compile_kwargs=options))}

    def _create_concurrently(self, index: Index) -> None:
        # A CREATE INDEX CONCURRENTLY that fails leaves an invalid index behind.
        is_valid = self.catalog.is_index_valid(str(index.name))
        drop = f"DROP INDEX CONCURRENTLY IF EXISTS {quoted(str(index.name))}"
        if is_valid:
            return
        if is_valid is False:
            self._exec(drop)
        index.dialect_options["postgresql"]["concurrently"] = True
        try:
            super().create_index(index)
        except DBAPIError as error:
            if not error.connection_invalidated:
                self._exec(drop)
            if isinstance(error, IntegrityError):
                raise _unfit(_table_of(index), str(index.name)) from None
            raise

    def _add_validated(self, const: Any) -> None:
        # As NOT VALID first: the validation of all rows then takes a lock that blocks no writer.
        table, name = _table_of(const), str(const.name)
        if isinstance(const, PrimaryKeyConstraint) or self.catalog.is_partitioned(table):
            super().add_constraint(const)
        elif isinstance(const, UniqueConstraint):
            self._create_concurrently(Index(name, *const.columns, unique=True, **const.dialect_kwargs))
            deferral = self.dialect.ddl_compiler(self.dialect, AddConstraint(const)).define_constraint_deferrability(
                const
            )
            add = f"ADD CONSTRAINT {quoted(name)} UNIQUE USING INDEX {quoted(name)}{deferral}"
            self._exec(f"ALTER TABLE {quoted(table)} {add}")
        else:
            const.dialect_options["postgresql"]["not_valid"] = True
            if self.catalog.is_constraint_valid(table, name) is None:
                super().add_constraint(const)
            self._validate(table, name, _unfit(table, name))

    def _set_not_null(self, table: str, column: str) -> None:
        # With a validated CHECK (... IS NOT NULL), SET NOT NULL does not scan the table under its exclusive lock.
        check, alter = f"required_{column}"[:63], f"ALTER TABLE {quoted(table)}"
        if self.catalog.is_not_null(table, column):
            return
        if self.catalog.is_constraint_valid(table, check) is None:
            self._exec(f"{alter} ADD CONSTRAINT {quoted(check)} CHECK ({quoted(column)} IS NOT NULL) NOT VALID")
        lacking = f"{table} has rows without {column}: set it, with op.fill_empty() or by hand, and migrate again"
        self._validate(table, check, UnfitRows(lacking))
        self.with_lock_timeout(partial(self._replace_check, alter, column, check))

    def _replace_check(self, alter: str, column: str, check: str) -> None:
        # Two statements: in one ALTER TABLE, PostgreSQL would drop the constraint first, and scan the table.
        self._exec(f"{alter} ALTER COLUMN {quoted(column)} SET NOT NULL")
        self._exec(f"{alter} DROP CONSTRAINT {quoted(check)}")

    def _validate(self, table: str, name: str, refusal: UnfitRows) -> None:
        try:
            self._exec(f"ALTER TABLE {quoted(table)} VALIDATE CONSTRAINT {quoted(name)}")
        except IntegrityError:
            self._exec(f"ALTER TABLE {quoted(table)} DROP CONSTRAINT IF EXISTS {quoted(name)}")
            raise refusal from None


def _table_of(part: Any) -> str:
    return str(part.table.name)


def _unfit(table: str, constraint: str) -> UnfitRows:
    return UnfitRows(f"some rows of {table} break {constraint}: change them, and migrate again")

"""The compiler of scoped engines: it adds the owner's condition to every owned table in a statement."""

# The compiler writes every statement, and `visit_table` every table that is read, so no query bypasses them:
# * In a FROM, `tasks` becomes `(SELECT * FROM tasks WHERE tasks.user_id = :_owner) AS tasks`.
# * An UPDATE or DELETE gets `tasks.user_id = :_owner` in its WHERE.
# * An INSERT sets `user_id` to `:_owner`.
# `_owner` is a required parameter: a statement without an owner raises an error; it never reads the rows of all owners.

from collections.abc import Iterable
from copy import copy
from typing import Any, Final, TypeVar, cast

from sqlalchemy import Delete, Insert, Select, String, TableSample, Update, bindparam, select, true
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement, ColumnElement, Grouping

from app.core.data.errors import ForeignRow, OwnerNotBound, UnreachableStatement
from app.core.data.sql.derived_compiler import derived_columns
from app.core.data.sql.mapped_tables import is_owned, mapped_table, target_table, unaliased
from app.core.data.tables.owned import OWNER_COLUMN

ChangeT = TypeVar("ChangeT", Update, Delete)


class OwnerIdType(String):
    """The type of the parameter `_owner` and of no other parameter."""

    cache_ok = True


OWNER: Final = bindparam("_owner", type_=OwnerIdType(), required=True)
"""The parameter for the owner's id, which every statement about an owned table needs."""


class OwnerCompiler(SQLCompiler):
    """Adds the owner's condition to every owned table in a statement; raises OwnershipError if it cannot."""

    def visit_table(  # type: ignore[override]  # SQLAlchemy passes these by keyword
        self, table: Any, asfrom: bool = False, iscrud: bool = False, enclosing_alias: Any = None, **kw: Any
    ) -> Any:
        # Returns the table's name, or a subquery under that name where the statement reads rows of an owned table.
        text = super().visit_table(table, asfrom=asfrom, iscrud=iscrud, enclosing_alias=enclosing_alias, **kw)
        if not asfrom or iscrud or not is_owned(table):
            return text
        mapped = mapped_table(table)
        condition = self.process(_owner_condition(mapped.c), **kw)
        subquery = f"(SELECT * FROM {self.preparer.format_table(mapped)} WHERE {condition})"  # noqa: S608  # quoted name
        if enclosing_alias is not None and enclosing_alias.element is table:
            return subquery  # the alias writes its own name
        return subquery + self.get_render_as_alias_suffix(self.preparer.quote(table.name))

    def visit_tablesample(self, tablesample: TableSample, asfrom: bool = False, **kw: Any) -> Any:
        # PostgreSQL samples before it applies any condition.
        if is_owned(unaliased(tablesample)):
            raise UnreachableStatement("TABLESAMPLE samples the rows of all owners; use order_by(func.random()).")
        return super().visit_tablesample(tablesample, asfrom, **kw)

    def visit_update(self, update_stmt: Update, visiting_cte: Any = None, **kw: Any) -> Any:
        if is_owned(target_table(update_stmt)):
            update_stmt = _with_owner_condition(update_stmt)
            self._refuse_key_columns(update_stmt, update_stmt._values or (), self.column_keys or ())
        return super().visit_update(update_stmt, visiting_cte, **kw)

    def visit_delete(self, delete_stmt: Delete, visiting_cte: Any = None, **kw: Any) -> Any:
        if is_owned(target_table(delete_stmt)):
            delete_stmt = _with_owner_condition(delete_stmt)
        return super().visit_delete(delete_stmt, visiting_cte, **kw)

    def visit_insert(self, insert_stmt: Insert, *args: Any, **kw: Any) -> Any:
        if is_owned(target_table(insert_stmt)):
            insert_stmt = self._insert_for_owner(insert_stmt)
        return super().visit_insert(insert_stmt, *args, **kw)

    def visit_on_conflict_do_update(self, on_conflict: Any, **kw: Any) -> Any:
        # The conflicting row may belong to another owner; the condition then leaves it unchanged.
        statement: Any = self.stack[-1]["selectable"]
        if is_owned(statement.table):
            self._refuse_key_columns(statement, on_conflict.update_values_to_set)
            where, on_conflict = on_conflict.update_whereclause, copy(on_conflict)
            condition = _owner_condition(statement.table.c)
            on_conflict.update_whereclause = condition if where is None else condition & Grouping(where)
        parent: Any = super()  # only the dialects' compilers have this method
        return parent.visit_on_conflict_do_update(on_conflict, **kw)

    def visit_bindparam(self, bindparam: Any, *args: Any, **kw: Any) -> Any:
        # The type of another parameter with this name could replace the owner's id.
        if bindparam.key == OWNER.key and not isinstance(bindparam.type, OwnerIdType):
            raise UnreachableStatement(f"The parameter {OWNER.key} is the owner's; give this value another name.")
        return super().visit_bindparam(bindparam, *args, **kw)

    def construct_params(self, params: Any = None, *args: Any, **kw: Any) -> Any:
        if params is not None and OWNER.key in self.binds and params.get(OWNER.key) is None:
            raise OwnerNotBound
        return super().construct_params(params, *args, **kw)

    def _generate_delimited_and_list(self, clauses: Iterable[ClauseElement], **kw: Any) -> str:
        # SQLAlchemy writes the OR of a lambda without parentheses: `a OR b AND user_id = ?` would not restrict `a`.
        conditions = [self.process(clause, **kw) for clause in clauses]
        return conditions[0] if len(conditions) == 1 else " AND ".join(f"({condition})" for condition in conditions)

    def _insert_for_owner(self, statement: Insert) -> Insert:
        if statement._multi_values:
            raise UnreachableStatement("An INSERT lists several rows; use execute(insert(...), [row, row]).")
        named = statement._select_names or statement._values or ()
        # A flush names the owner in its parameters; `ownership/engines.py` checks that it is the session's owner.
        self._refuse_key_columns(statement, named, {*(self.column_keys or ())} - {OWNER_COLUMN})
        if statement._select_names:
            return self._insert_from_select(statement)
        return statement.values({statement.table.c[OWNER_COLUMN]: OWNER})

    def _insert_from_select(self, statement: Insert) -> Insert:
        insert: Any = statement._clone()
        insert._select_names = [*insert._select_names, OWNER_COLUMN]
        is_simple = isinstance(insert.select, Select)  # a UNION takes no further column
        rows = insert.select.add_columns(OWNER) if is_simple else select(*insert.select.subquery().c, OWNER)
        insert.select = rows.where(true())  # without a WHERE, SQLite reads ON CONFLICT as the ON of a join
        return cast("Insert", insert)

    def _refuse_key_columns(self, statement: Any, named: Iterable[Any], parameters: Iterable[str] = ()) -> None:
        # An owner never changes. An id that another row has would fail, and so reveal which ids other owners have.
        columns, verb = statement.table.c, statement.__visit_name__.upper()
        names = {getattr(key, "key", key) for key in named}
        if unknown := sorted(names - set(columns.keys())):
            raise UnreachableStatement(
                f"{unknown[0]!r} is not a column of {unaliased(statement.table)}; name a column."
            )
        written = {columns[name].name for name in names | (set(parameters) & set(columns.keys()))}
        for name in (OWNER_COLUMN, *(column.name for column in mapped_table(unaliased(statement.table)).primary_key)):
            if name in written:
                raise ForeignRow(f"An {verb} sets {name}, which only the server does; leave it out.")
        for name in sorted(written & derived_columns(statement.table).keys()):
            raise UnreachableStatement(f"An {verb} sets {name}, which only the server does; leave it out.")


def _with_owner_condition(statement: ChangeT) -> ChangeT:
    return statement.where(_owner_condition(statement.table.c))


def _owner_condition(columns: Any) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = columns[OWNER_COLUMN] == OWNER
    return condition

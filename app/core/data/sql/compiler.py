"""The compiler of what is served: an owned table is compiled as its owner's part of it.

Every statement passes the compiler, and every table that is read passes `visit_table`. So there is nothing to recognise
and nothing to forget: in a FROM, `tasks` is `(SELECT * FROM tasks WHERE tasks.user_id = :_owner) AS tasks`; an UPDATE
or DELETE has the owner in its WHERE; an INSERT writes the owner. Without a value for `_owner` no statement runs.
"""

from collections.abc import Iterable
from copy import copy
from typing import Any, Final, TypeVar, cast

from sqlalchemy import (
    Delete,
    Insert,
    Select,
    String,
    TableSample,
    Update,
    bindparam,
    select,
    true,
)
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement, ColumnElement, Grouping

from app.core.data.errors import ForeignRow, OwnerNotBound, UnreachableStatement
from app.core.data.sql.mapped_tables import is_owned, mapped_table, target_table, unaliased
from app.core.data.tables.owned import OWNER_COLUMN

ChangeT = TypeVar("ChangeT", Update, Delete)


class OwnerIdType(String):
    """The type of the one value that is called `_owner`."""

    cache_ok = True


OWNER: Final = bindparam("_owner", type_=OwnerIdType(), required=True)
"""Whose part it is: the value that each statement about an owned table needs."""


class OwnerCompiler(SQLCompiler):
    """Compiles owned tables as the part of one owner."""

    def visit_table(  # type: ignore[override]  # it is called with names
        self, table: Any, asfrom: bool = False, iscrud: bool = False, enclosing_alias: Any = None, **kw: Any
    ) -> Any:
        """Write the name of a table; where rows of an owned one are read, write its owner's part under that name.

        Raises:
            UnreachableStatement: no model has such a table.
        """
        text = super().visit_table(table, asfrom=asfrom, iscrud=iscrud, enclosing_alias=enclosing_alias, **kw)
        if not asfrom or iscrud or not is_owned(table):
            return text
        known = mapped_table(table)
        mine = self.process(_owner_condition(known.c), **kw)
        part = f"(SELECT * FROM {self.preparer.format_table(known)} WHERE {mine})"  # noqa: S608  # a name, quoted
        if enclosing_alias is not None and enclosing_alias.element is table:
            return part  # the alias adds its own name
        return part + self.get_render_as_alias_suffix(self.preparer.quote(table.name))

    def visit_tablesample(self, tablesample: TableSample, asfrom: bool = False, **kw: Any) -> Any:
        """Write a sample of a table.

        Raises:
            UnreachableStatement: it is owned. A sample is taken of everybody's rows, before any condition.
        """
        if is_owned(unaliased(tablesample)):
            raise UnreachableStatement("TABLESAMPLE samples the rows of all owners; use order_by(func.random()).")
        return super().visit_tablesample(tablesample, asfrom, **kw)

    def visit_update(self, update_stmt: Update, visiting_cte: Any = None, **kw: Any) -> Any:
        """Write an UPDATE of the owner's rows.

        Raises:
            ForeignRow: it sets the owner or the id of rows.
        """
        if is_owned(target_table(update_stmt)):
            update_stmt = _with_owner_condition(update_stmt)
            self._refuse_key_columns(update_stmt, update_stmt._values or (), self.column_keys or ())
        return super().visit_update(update_stmt, visiting_cte, **kw)

    def visit_delete(self, delete_stmt: Delete, visiting_cte: Any = None, **kw: Any) -> Any:
        """Write a DELETE of the owner's rows."""
        if is_owned(target_table(delete_stmt)):
            delete_stmt = _with_owner_condition(delete_stmt)
        return super().visit_delete(delete_stmt, visiting_cte, **kw)

    def visit_insert(self, insert_stmt: Insert, *args: Any, **kw: Any) -> Any:
        """Write an INSERT of rows that are the owner's.

        Raises:
            ForeignRow: it gives rows an owner or an id.
            UnreachableStatement: it lists the values of several rows.
        """
        if is_owned(target_table(insert_stmt)):
            insert_stmt = self._insert_for_owner(insert_stmt)
        return super().visit_insert(insert_stmt, *args, **kw)

    def visit_on_conflict_do_update(self, on_conflict: Any, **kw: Any) -> Any:
        """Write what an INSERT does with a row that is there already: nothing, if it is not the owner's.

        Raises:
            ForeignRow: it sets the owner or the id of rows.
        """
        statement: Any = self.stack[-1]["selectable"]
        if is_owned(statement.table):
            self._refuse_key_columns(statement, on_conflict.update_values_to_set)
            given, on_conflict = on_conflict.update_whereclause, copy(on_conflict)
            mine = _owner_condition(statement.table.c)
            on_conflict.update_whereclause = mine if given is None else mine & Grouping(given)
        parent: Any = super()  # each dialect has its own
        return parent.visit_on_conflict_do_update(on_conflict, **kw)

    def visit_bindparam(self, bindparam: Any, *args: Any, **kw: Any) -> Any:
        """Write a value's place.

        Raises:
            UnreachableStatement: it pretends to be the owner's, and could bring a type that changes the value.
        """
        if bindparam.key == OWNER.key and not isinstance(bindparam.type, OwnerIdType):
            raise UnreachableStatement(f"The name {OWNER.key} is the owner's; give the value another name.")
        return super().visit_bindparam(bindparam, *args, **kw)

    def construct_params(self, params: Any = None, *args: Any, **kw: Any) -> Any:
        """Return the values with which the statement runs.

        Raises:
            OwnerNotBound: it is about owned rows, and there is no owner.
        """
        if params is not None and OWNER.key in self.binds and params.get(OWNER.key) is None:
            raise OwnerNotBound
        return super().construct_params(params, *args, **kw)

    def _generate_delimited_and_list(self, clauses: Iterable[ClauseElement], **kw: Any) -> str:
        # Each in parentheses: SQLAlchemy gives the OR of a lambda none, and it would swallow the owner's condition.
        conditions = [self.process(clause, **kw) for clause in clauses]
        return conditions[0] if len(conditions) == 1 else " AND ".join(f"({condition})" for condition in conditions)

    def _insert_for_owner(self, statement: Insert) -> Insert:
        if statement._multi_values:
            raise UnreachableStatement("An INSERT lists several rows; use execute(insert(...), [row, row]).")
        named = statement._select_names or statement._values or ()
        # Parameters may name the owner, as those of a flush do: `ownership/engines.py` sees that it is the session's.
        self._refuse_key_columns(statement, named, {*(self.column_keys or ())} - {OWNER_COLUMN})
        if not statement._select_names:
            return statement.values({statement.table.c[OWNER_COLUMN]: OWNER})
        held: Any = statement._clone()
        held._select_names = [*statement._select_names, OWNER_COLUMN]
        is_select = isinstance(held.select, Select)  # and no UNION
        selected = held.select.add_columns(OWNER) if is_select else select(*held.select.subquery().c, OWNER)
        held.select = selected.where(true())  # without a WHERE, SQLite takes an ON CONFLICT for the ON of a join
        return cast("Insert", held)

    def _refuse_key_columns(self, statement: Any, named: Iterable[Any], parameters: Iterable[str] = ()) -> None:
        """Refuse to set an owner, who never changes, or an id: whether it is taken would tell of others' rows."""
        columns, kind = statement.table.c, statement.__visit_name__.upper()
        names = {getattr(key, "key", key) for key in named}
        if unknown := sorted(names - set(columns.keys())):
            raise UnreachableStatement(f"{unknown[0]!r} is no column of {unaliased(statement.table)}; name a column.")
        written = {columns[name].name for name in names | (set(parameters) & set(columns.keys()))}
        for name in (OWNER_COLUMN, *(column.name for column in mapped_table(unaliased(statement.table)).primary_key)):
            if name in written:
                raise ForeignRow(f"An {kind} sets {name}, which only the server does; leave it out.")


def _with_owner_condition(statement: ChangeT) -> ChangeT:
    return statement.where(_owner_condition(statement.table.c))


def _owner_condition(columns: Any) -> ColumnElement[bool]:
    mine: ColumnElement[bool] = columns[OWNER_COLUMN] == OWNER
    return mine

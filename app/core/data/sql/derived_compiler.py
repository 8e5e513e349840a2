"""The compiler of all the application's engines: folds and stamps follow their texts and flags in every statement.

A fold is computed in Python, so a statement gives a folded text as a value. An UPDATE then has a second parameter for
the fold, which gets the same value; the type `Fold` folds it. In an INSERT, the default of the column does so.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

from sqlalchemy import BindParameter, Column, Insert, Update, null
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import Null, _truncated_label

from app.core.data.errors import UnreachableStatement
from app.core.data.sql.mapped_tables import unaliased
from app.core.data.tables.queryable import HIDDEN
from app.core.data.tables.stamps import STAMP, written_values

_NO_SOURCES: Final[dict[BindParameter[Any], Any]] = {}


def derived_columns(table: Any) -> dict[str, str]:
    """Return the columns of a table that follow another column, with the name of that column."""
    columns = {column.key: column.info.get(HIDDEN) or column.info.get(STAMP) for column in unaliased(table).c}
    return {name: source for name, source in columns.items() if source}


class DerivedCompiler(SQLCompiler):
    """Sets folds beside their texts; raises UnreachableStatement for a text or a flag whose value it cannot follow."""

    _sources: Mapping[BindParameter[Any], Any] = _NO_SOURCES

    @property
    def copied_parameters(self) -> dict[str, str]:
        """The parameters of folds, with the parameters of their texts."""
        return {self.bind_names[fold]: self._name_of(source) for fold, source in self._sources.items()}

    def visit_update(self, update_stmt: Update, visiting_cte: Any = None, **kw: Any) -> Any:
        folds = dict(self._folds_of(update_stmt))
        if folds:
            # Not `copy()`: for a statement of the ORM that is the statement as it was before its owner was added.
            update_stmt = update_stmt._clone()
            values: dict[Any, Any] = {**(update_stmt._values or {}), **folds}
            update_stmt._values = values  # type: ignore[assignment]
        return super().visit_update(update_stmt, visiting_cte, **kw)

    def visit_insert(self, insert_stmt: Insert, *args: Any, **kw: Any) -> Any:
        if derived := derived_columns(insert_stmt.table):
            self._refuse_underivable(insert_stmt, derived, kw.get("visiting_cte") is not None)
        return super().visit_insert(insert_stmt, *args, **kw)  # type: ignore[no-untyped-call]

    def visit_on_conflict_do_update(self, on_conflict: Any, **kw: Any) -> Any:
        table = self.stack[-1]["selectable"].table  # type: ignore[attr-defined]
        named = {getattr(key, "key", key) for key in dict(on_conflict.update_values_to_set)}
        for name, source in derived_columns(table).items():
            if source in named:
                _refuse(f"An ON CONFLICT DO UPDATE sets {source}, but not {name}; use update_one().")
        parent: Any = super()  # only the dialects' compilers have this method
        return parent.visit_on_conflict_do_update(on_conflict, **kw)

    def construct_params(self, *args: Any, **kw: Any) -> Any:
        values = super().construct_params(*args, **kw)
        for fold, text in self.copied_parameters.items() if self._sources else ():
            values[fold] = values[text]
        return values

    def _folds_of(self, statement: Update) -> Iterator[tuple[str, Any]]:
        table, values = unaliased(statement.table), written_values(statement)
        keys = {*(self.column_keys or ())} if not self.stack else set[str]()
        for column in table.c:
            text = column.info.get(HIDDEN)
            if text and column.key not in values and (text in values or text in keys):
                yield column.key, self._fold(column, values.get(text, text))

    def _fold(self, column: Column[Any], text: Any) -> Any:
        # `text` is a value of the statement, or the name of a parameter.
        if isinstance(text, Null):
            return null()
        if not isinstance(text, str | BindParameter):
            _refuse(
                f"An UPDATE sets {column.info[HIDDEN]} by an SQL expression, and clients search and sort by its fold,"
                " which the server computes from a value; use update_one() with the value."
            )
        fold = BindParameter[Any](None, None, type_=column.type, unique=True)
        self._sources = {**self._sources, fold: text}
        return fold

    def _name_of(self, source: Any) -> str:
        if isinstance(source, str):
            return source
        is_anonymous = isinstance(source.key, _truncated_label)
        return self._truncated_identifier("bindparam", source.key) if is_anonymous else str(source.key)

    def _refuse_underivable(self, statement: Insert, derived: Mapping[str, str], is_cte: bool) -> None:
        # The default of a derived column reads the parameter with the name of its source.
        if statement._select_names or statement._multi_values or is_cte:
            named = ", ".join(sorted(derived))
            _refuse(f"The server computes {named} for one row at a time; use add_many().")
        values = written_values(statement)
        for source in derived.values():
            if source in values and not _is_plain(values[source]):
                _refuse(f"An INSERT sets {source} by an SQL expression; use insert_one() with a value.")


def _is_plain(value: Any) -> bool:
    return isinstance(value, Null) or (isinstance(value, BindParameter) and value.unique)


def _refuse(sentence: str) -> NoReturn:
    raise UnreachableStatement(sentence)

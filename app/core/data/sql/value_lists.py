"""Lists of values: `any_of(column, "ids")` is `column IN (...)` with one bound parameter for the whole list."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ARRAY, Boolean, Dialect, String, Text, TypeDecorator, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine


class ValueList(TypeDecorator[Sequence[Any]]):
    """A list of values of a column's type: an array on PostgreSQL, a JSON text on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name != "postgresql":
            return dialect.type_descriptor(Text())
        item = self.item.dialect_impl(dialect)
        # Text without a length: a cast to VARCHAR(5)[] would truncate longer values, which could then match.
        is_text = issubclass(item._type_affinity or object, String)
        return dialect.type_descriptor(ARRAY(Text() if is_text else item))

    def bind_processor(self, dialect: Dialect) -> Callable[[Sequence[Any] | None], Any]:
        convert = self.item.dialect_impl(dialect).bind_processor(dialect) or _unchanged
        if dialect.name == "postgresql":
            return lambda values: [convert(value) for value in values or ()]
        return lambda values: json.dumps([convert(value) for value in values or ()])


class AnyOf(FunctionElement[bool]):
    """The condition that a column has one of the values of a list."""

    type = Boolean()
    inherit_cache = True


def any_of(column: ColumnElement[Any] | InstrumentedAttribute[Any], name: str) -> ColumnElement[bool]:
    """Return the condition that the column has one of the values in the list parameter `name`."""
    # SQLAlchemy's `in_()` writes one placeholder for each value, so each length would be another statement.
    return AnyOf(column, bindparam(name, type_=ValueList(column.type), required=True))


@compiles(AnyOf, "postgresql")
def _compile_for_postgresql(element: AnyOf, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"{column} = ANY({values})"


@compiles(AnyOf, "sqlite")
def _compile_for_sqlite(element: AnyOf, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608  # compiled clauses


def _unchanged(value: Any) -> Any:
    return value

"""Raw SQL values; each would count the rows of all owners."""

from typing import Any, Final

from sqlalchemy import Integer, bindparam, cast, column, extract, func, literal_column, select, text
from sqlalchemy.types import UserDefinedType

from tests.isolation.shapes.grammar import Author, Productions, Scope

RAW_VALUES: Final = Productions()

COUNT: Final = "(SELECT count(*) FROM tasks)"


class CountingType(UserDefinedType[int]):
    """A type whose name contains SQL."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return f"INTEGER) + {COUNT} + CAST(0 AS INTEGER"


@RAW_VALUES(leaf=True)
def _text(_: Author, __: Scope) -> Any:
    return text(COUNT)


@RAW_VALUES(leaf=True)
def _literal_column(_: Author, __: Scope) -> Any:
    return literal_column(COUNT, Integer)


@RAW_VALUES(leaf=True)
def _column_that_is_literal(_: Author, __: Scope) -> Any:
    return column(COUNT, is_literal=True)


@RAW_VALUES(leaf=True)
def _operator(_: Author, __: Scope) -> Any:
    return bindparam(None, 0, type_=Integer).op(f"+ {COUNT} +")(1)


@RAW_VALUES(leaf=True)
def _type(_: Author, __: Scope) -> Any:
    return cast(bindparam(None, 0, type_=Integer), CountingType())


@RAW_VALUES(only="postgresql", leaf=True)
def _field_of_a_time(_: Author, __: Scope) -> Any:
    return extract(f"day FROM now()) * 0 + {COUNT} + extract(day", func.now()) * 1 - extract("day", func.now())


@RAW_VALUES(only="postgresql", leaf=True)
def _function_that_runs_a_query(author: Author, _: Scope) -> Any:
    query = "SELECT to_tsvector('simple', title) FROM tasks"
    words = func.ts_stat(query).table_valued("word", "ndoc", name=author.name("f"))
    return select(func.count()).select_from(words).scalar_subquery()


class _Text(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "text"


def raw(author: Author, scope: Scope) -> Any:
    """Return a raw SQL value."""
    return author.write(RAW_VALUES, scope)

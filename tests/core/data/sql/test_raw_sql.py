"""Raw SQL is refused at every place where SQLAlchemy would write it."""

from typing import Any, cast

import pytest
from sqlalchemy import (
    Dialect,
    Double,
    Float,
    Function,
    Interval,
    Numeric,
    Sequence,
    String,
    column,
    extract,
    func,
    insert,
    literal,
    literal_column,
    quoted_name,
    select,
    table,
    text,
    update,
)
from sqlalchemy import cast as cast_as
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import aliased
from sqlalchemy.schema import DDL, CreateTable
from sqlalchemy.types import UserDefinedType

from app.core.data.errors import UnreachableStatement
from app.core.data.ownership.guard import bind_owner
from app.core.data.ownership.session import AppSession
from app.core.data.sql.dialects import PostgresDialect, SqliteDialect, scoped_dialect
from app.tasks.models import Task

RAW = "(SELECT secret)"
TASK: Any = Task
TABLE: Any = Task.__table__


class Spec(UserDefinedType[Any]):
    """A type whose name contains SQL."""

    cache_ok = True

    def __init__(self, spec: str) -> None:
        self.spec = spec

    def get_col_spec(self, **_: Any) -> str:
        return self.spec


PLACES: dict[str, Any] = {
    "text": text(RAW),
    "text as a column": select(TASK.id, text(RAW)),
    "text as a condition": select(TASK).where(text(RAW)),
    "text as an order": select(TASK).order_by(text(RAW)),
    "text as a group": select(TASK.id).group_by(text(RAW)),
    "text as a table": select(column("id")).select_from(text(RAW)),
    "text with columns": select(text(RAW).columns(column("id")).subquery().c.id),
    "text in a cte": select(text(RAW).columns(column("id")).cte().c.id),
    "text as a value": insert(TABLE).values(title=text(RAW)),
    "text that is set": update(TABLE).values(title=text(RAW)),
    "text that is returned": update(TABLE).values(title="x").returning(text(RAW)),
    "literal column": select(literal_column(RAW)),
    "literal column deep inside": select(TASK).where(TASK.id.in_(select(func.abs(literal_column(RAW))))),
    "prefix": select(TASK.id).prefix_with(RAW),
    "suffix": select(TASK.id).suffix_with(RAW),
    "prefix of an insert": insert(TABLE).values(title="x").prefix_with(RAW),
    "prefix of a cte": select(select(TASK.id).cte().prefix_with(RAW).c.id),
    "hint": select(TASK.id).with_statement_hint(RAW),
    "operator": select(TASK.title.op(RAW)("x")),
    "operator that is a comment": select(TASK.title.op("--" + RAW)("x")),
    "operator of words": select(TASK.title.op("UNION SELECT secret WHERE 1 =")("x")),
    "type": select(cast_as(TASK.title, Spec("text) || " + RAW))),
    "type of words": select(cast_as(TASK.title, Spec("INTEGER UNION SELECT secret"))),
    "limits of a type": select(
        cast_as(TASK.title, String(length=cast("Any", f"9)) || {RAW} || CAST('' AS VARCHAR(9")))
    ),
    "digits of a type": select(cast_as(TASK.title, Numeric(precision=cast("Any", f"9)) || {RAW} || (('x'")))),
    "text that is written": select(literal(RAW, literal_execute=True)),
    "separator that is written": select(func.aggregate_strings(TASK.title, RAW)),
    "number that is written": select(literal(RAW, Float(asdecimal=False), literal_execute=True)),
}
ON_POSTGRES: dict[str, Any] = {"field": select(extract(RAW, TASK.created_at))}
# Names with quote=False.
NAMES: dict[str, Any] = {
    "column": select(column(quoted_name(RAW, quote=False))),
    "alias": select(aliased(TASK, name=quoted_name(RAW, quote=False)).id),
    "label": select(TASK.id.label(quoted_name(RAW, quote=False))),
    "cte": select(select(TASK.id).cte(quoted_name(RAW, quote=False)).c.id),
}
# SQLAlchemy replaces these marks, also inside quotes, and formats a function's name as a template.
REFUSED_NAMES: dict[str, Any] = {
    "function": select(getattr(func, quoted_name(RAW, quote=False))()),
    "function that is a template": select(Function("x%(expr)s", TASK.id)),
    "label with a line": select(TASK.id.label(f"\n 1, {RAW} --")),
    "label with a schema": select(TASK.id.label("a__[SCHEMA_foo]b")),
    "label with a value": select(TASK.id.label("f%(p)s")),
    "a minus that is a comment": select(-literal_column("-")),
    "a place for a value": select(literal_column("?"), TASK.id),
}
FUNCTIONS = (
    *("query_to_xml", "table_to_xml", "database_to_xml", "cursor_to_xml", "ts_stat", "dblink", "dblink_exec", "LO_GET"),
    *("pg_read_file", "pg_stat_get_activity", "set_config", "nextval", "setval", "currval", "pg_table_size"),
    *("load_extension", "last_insert_rowid", "sqlite_source_id", "pragma_table_info", "changes"),
)
DIALECTS = [PostgresDialect, SqliteDialect]

dialects = pytest.mark.parametrize("kind", DIALECTS, ids=["postgres", "sqlite"])


def written(statement: Any, dialect: Dialect) -> str:
    return str(statement.compile(dialect=dialect))


@dialects
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_raw_sql_is_refused(kind: type[Dialect], place: Any) -> None:
    with pytest.raises(UnreachableStatement):
        written(place, scoped_dialect(kind()))


@pytest.mark.parametrize("place", ON_POSTGRES.values(), ids=ON_POSTGRES)
def test_raw_sql_is_refused_on_postgresql(place: Any) -> None:
    assert RAW in written(place, cast("Any", PostgresDialect)())
    with pytest.raises(UnreachableStatement):
        written(place, scoped_dialect(cast("Any", PostgresDialect)()))


@dialects
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_without_the_scoped_compiler_raw_sql_is_written(kind: type[Dialect], place: Any) -> None:
    statement = written(place, kind())

    assert "secret" in statement or "POSTCOMPILE" in statement


@dialects
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_is_quoted_despite_quote_false(kind: type[Dialect], name: Any) -> None:
    assert RAW not in written(name, scoped_dialect(kind())).replace(f'"{RAW}"', "")


@dialects
@pytest.mark.parametrize("name", REFUSED_NAMES.values(), ids=REFUSED_NAMES)
def test_a_name_with_a_rewritten_mark_is_refused(kind: type[Dialect], name: Any) -> None:
    with pytest.raises(UnreachableStatement):
        written(name, scoped_dialect(kind()))


def test_an_operator_with_a_placeholder_is_refused() -> None:
    asked = select(TASK.title.op("?")("key"))

    with pytest.raises(UnreachableStatement):
        written(asked, scoped_dialect(cast("Any", SqliteDialect)(paramstyle="qmark")))
    assert "?" in written(asked, scoped_dialect(cast("Any", PostgresDialect)(paramstyle="numeric_dollar")))


@dialects
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_that_read_outside_of_the_tables_are_refused(kind: type[Dialect], name: str) -> None:
    for function in (getattr(func, name), getattr(func.pg_catalog, name)):
        with pytest.raises(UnreachableStatement):
            written(select(function("tasks")), scoped_dialect(kind()))
        with pytest.raises(UnreachableStatement):
            written(select(column("x")).select_from(function("tasks").table_valued("x")), scoped_dialect(kind()))


@dialects
@pytest.mark.parametrize("name", ["sqlite_sequence", "pg_stats", "pg_class", "alembic_version"])
def test_a_table_without_a_model_is_refused(kind: type[Dialect], name: str) -> None:
    with pytest.raises(UnreachableStatement, match="No model"):
        written(select(table(name, column("name")).c.name), scoped_dialect(kind()))


@dialects
def test_raw_sql_of_sqlalchemy_itself_is_accepted(kind: type[Dialect]) -> None:
    spec = Spec('public."vector"(3, 4)[]')
    types: list[Any] = [Double(), Numeric(9, 2), String(9, collation="C"), Interval()]
    statement: Any = select(
        func.count(),
        cast_as(TASK.title, spec),
        literal_column("1"),
        TASK.title.op("||")("x"),
        extract("year", TASK.created_at),
        func.string_agg(TASK.title, ","),
        TASK.created_at.op("AT TIME ZONE")("UTC"),
        literal_column("NULL"),
        *(cast_as(TASK.id, a_type) for a_type in types),
    )

    assert "count(*)" in written(statement.where(TASK.id.in_([1, 2])).order_by(func.random()), scoped_dialect(kind()))


@pytest.mark.parametrize("statement", [cast("Any", DDL)("DROP TABLE tasks"), CreateTable(TABLE)])
async def test_ddl_in_a_session_is_refused(sessions: async_sessionmaker[AppSession], statement: Any) -> None:
    async with sessions() as session:
        bind_owner(session, "alice")
        with pytest.raises(UnreachableStatement):
            await session.execute(statement)


async def test_a_sequence_in_a_session_is_refused(sessions: async_sessionmaker[AppSession]) -> None:
    async with sessions() as session:
        bind_owner(session, "alice")
        for ask in (Sequence("tasks_id_seq"), select(Sequence("tasks_id_seq").next_value())):
            with pytest.raises(UnreachableStatement):
                await session.scalar(ask)

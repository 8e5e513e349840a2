"""Sources: every way to refer to a table in a FROM."""

from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    MetaData,
    String,
    Table,
    Text,
    cast,
    column,
    func,
    inspect,
    select,
    table,
    tablesample,
)
from sqlalchemy.orm import aliased
from sqlalchemy.types import NullType
from sqlmodel.sql.sqltypes import UTCDateTime

from app.projects.models import Project
from app.tasks.models import Task
from tests.isolation.shapes.grammar import FLAG, KINDS, NUMBER, TEXT, TIME, Author, Productions, Scope, Source
from tests.isolation.shapes.mappings import Board, Card

SOURCES: Final = Productions()

_TYPES: Final[dict[str, Any]] = {NUMBER: BigInteger(), TEXT: String(), FLAG: Boolean(), TIME: UTCDateTime()}
TASK: Final[Any] = Task  # for mypy, an attribute of the class is a value
PROJECT: Final[Any] = Project
MAPPED: Final = (TASK, PROJECT)


def core(model: Any) -> Table:
    """Return the table of a class."""
    mapped: Table = inspect(model).local_table
    return mapped


_KINDS: Final = {model: {name: KINDS[name] for name, _ in core(model).c.items()} for model in (*MAPPED, Card, Board)}


def source_of(element: Any, named: Any, model: Any, *, entity: Any = None, is_alias: bool = True) -> Source:
    """Return a source with the columns of `named` and the rows of the model's table."""
    return Source(element, named, _KINDS[model], ("id",), entity, core(model).name, is_alias)


def class_source(model: Any) -> Source:
    """Return the class itself as a source."""
    return source_of(model, model, model, entity=model, is_alias=False)


@SOURCES(4, leaf=True)
def _mapped_class(author: Author, _: Scope) -> Source:
    model = author.choose(MAPPED)
    return class_source(model)


@SOURCES(4, leaf=True)
def _aliased_class(author: Author, _: Scope) -> Source:
    model = author.choose(MAPPED)
    alias = aliased(model, name=author.name("a")) if author.happens(0.5) else aliased(model)
    return source_of(alias, alias, model, entity=alias)


@SOURCES(3, leaf=True)
def _core_table(author: Author, _: Scope) -> Source:
    model = author.choose(MAPPED)
    return source_of(core(model), core(model).c, model, is_alias=False)


@SOURCES(3, leaf=True)
def _core_alias(author: Author, _: Scope) -> Source:
    model = author.choose(MAPPED)
    alias = core(model).alias(author.name("t") if author.happens(0.5) else None)
    if author.happens(0.2):
        alias = alias.alias()
    return source_of(alias, alias.c, model)


@SOURCES(1, leaf=True)
def _alias_of_the_table_as_class(author: Author, _: Scope) -> Source:
    model = author.choose(MAPPED)
    alias = aliased(model, core(model).alias())
    return source_of(alias, alias, model, entity=alias)


@SOURCES(1, leaf=True)
def _other_class_of_the_table(author: Author, _: Scope) -> Source:
    model = author.choose([Card, Board])
    if author.happens(0.7):
        return class_source(model)
    alias = aliased(model)
    return source_of(alias, alias, model, entity=alias)


def by_name(author: Author, model: Any, name: str | None = None, schema: str | None = None) -> Any:
    """Return a lightweight `table()`, often without its owner column."""
    columns = [column(c.name, _TYPES[KINDS[c.name]]) for c in _some_columns(author, model)]
    return table(name or core(model).name, *columns, schema=schema)


def another_table(author: Author, model: Any) -> Table:
    """Return a second `Table` object for the table."""
    columns = [Column(c.name, c.type, primary_key=c.primary_key) for c in _some_columns(author, model)]
    return Table(core(model).name, MetaData(), *columns)


def _some_columns(author: Author, model: Any) -> list[Column[Any]]:
    knows_owner = author.happens(0.6)
    return [c for c in core(model).c if c.name != "user_id" or knows_owner]


def table_source(element: Any, model: Any, *, is_alias: bool = False) -> Source:
    """Return a table, or an alias of one, as a source with its columns."""
    kinds = {c.key: KINDS[c.key] for c in element.c}
    return Source(element, element.c, kinds, ("id",), None, core(model).name, is_alias)


@SOURCES(2, leaf=True)
def _table_by_name(author: Author, _: Scope) -> Source:
    model = author.choose(MAPPED)
    named = by_name(author, model)
    return table_source(named.alias(), model, is_alias=True) if author.happens(0.3) else table_source(named, model)


@SOURCES(0.4, leaf=True)
def _table_by_name_in_its_schema(author: Author, _: Scope) -> Source:
    model = author.choose(MAPPED)
    named = by_name(author, model, schema="public" if author.is_postgres else "main")
    return table_source(named.alias(), model, is_alias=True)


@SOURCES(0.4, only="sqlite", leaf=True)
def _table_by_name_in_capitals(author: Author, _: Scope) -> Source:
    model = author.choose(MAPPED)
    name = core(model).name
    return table_source(by_name(author, model, author.choose([name.upper(), name.title()])), model)


@SOURCES(1, leaf=True)
def _table_described_again(author: Author, _: Scope) -> Source:
    model = author.choose(MAPPED)
    described = another_table(author, model)
    return (
        table_source(described.alias(), model, is_alias=True) if author.happens(0.3) else table_source(described, model)
    )


@SOURCES(1.5, leaf=True)
def _table_with_columns_of_its_class(author: Author, _: Scope) -> Source:
    model = author.choose(MAPPED)
    named = {name: getattr(model, name) if author.happens(0.5) else c for name, c in core(model).c.items()}
    return source_of(core(model), SimpleNamespace(**named), model, is_alias=False)


@SOURCES(0.25, leaf=True)
def _statistics(author: Author, _: Scope) -> Source:
    """The statistics of the database about the rows, after ANALYZE."""
    if author.is_postgres:
        values = cast(column("most_common_vals", NullType()), Text).label("held")
        stats = select(values, column("tablename", Text)).select_from(table("pg_stats", column("tablename")))
        noted = stats.where(column("tablename").in_(["tasks", "projects"])).subquery()
    else:
        noted = select(column("stat", Text).label("held")).select_from(table("sqlite_stat1")).subquery()
    return Source(noted, noted.c, {"held": TEXT}, ("held",))


@SOURCES(0.6, only="postgresql", leaf=True)
def _sample(author: Author, _: Scope) -> Source:
    model = author.choose(MAPPED)
    method = func.bernoulli(100) if author.happens(0.5) else func.system(100)
    if author.happens(0.5):
        sample = tablesample(model if author.happens(0.5) else core(model), method, name=author.name("s"))
        return source_of(sample, sample.c, model)
    alias = aliased(model, tablesample(core(model), method, name=author.name("s")))
    return source_of(alias, alias, model, entity=alias)


def fresh_sources(author: Author, scope: Scope, most: int = 2) -> tuple[Source, ...]:
    """Return sources with different names, which sometimes repeat a name of an enclosing statement."""
    found: list[Source] = []
    for _ in range(2 if most == 2 and author.happens(0.35) else 1):
        source = author.write(SOURCES, scope.over(*found))
        while source.clashes_with(found) or (source.clashes_with(scope.outer) and author.happens(0.7)):
            source = author.write(SOURCES, scope.over(*found))
        found.append(source)
    return tuple(found)

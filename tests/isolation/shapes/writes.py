"""UPDATE and DELETE: of a class, a table or a name, alone or joined, with RETURNING, by key, or for many parameters."""

from typing import Any, Final

from sqlalchemy import Update, bindparam, delete, func, select, update

from app.projects.models import Project
from app.tasks.models import Task
from tests.isolation.shapes.conditions import named
from tests.isolation.shapes.expressions import column, condition, constant, expression
from tests.isolation.shapes.grammar import FLAG, KINDS, NUMBER, TEXT, TIME, Author, Scope, Source
from tests.isolation.shapes.mappings import Board, Card
from tests.isolation.shapes.queries import join_condition, one_value, query
from tests.isolation.shapes.rows import MINE, moment
from tests.isolation.shapes.shape import WRITES, Statement
from tests.isolation.shapes.sources import (
    MAPPED,
    another_table,
    by_name,
    class_source,
    core,
    fresh_sources,
    table_source,
)

_FIXED: Final = ("id", "user_id", "updated_at")
CHANGED: Final = {"updated_at": moment(20)}
"""A fixed time for `updated_at` in every write, instead of the current time."""


def target(author: Author) -> Source:
    """Return the target of a write: a class, its table, or the table by its name."""
    model = author.choose([*MAPPED, *MAPPED, *MAPPED, Card, Board])
    form = author.choose(["class", "class", "class", "table", "table", "name", "table described again"])
    author.note(f"target: {form}")
    if form == "class":
        return class_source(model)
    if form == "table":
        return table_source(core(model), model)
    return table_source((by_name if form == "name" else another_table)(author, model), model)


def changes(author: Author, scope: Scope) -> dict[str, Any]:
    """Return new values for some columns."""
    free = [name for name in scope.sources[0].kinds if name not in _FIXED]
    names = author.some(free, 2)
    return {name: _value(author, name, scope) for name in names} | CHANGED


def _value(author: Author, name: str, scope: Scope) -> Any:
    kind = KINDS[name]
    value = constant(author, kind) if author.happens(0.4) else expression(author, kind, scope.deeper())
    is_nullable = name in ("description", "project_id")
    return value if is_nullable else func.coalesce(value, constant(author, kind))


def returning(author: Author, statement: Any, scope: Scope) -> tuple[Any, bool]:
    """Add a RETURNING or none, and return whether it returns entities."""
    source = scope.sources[0]
    form = author.choose(["nothing", "nothing", "columns", "columns", "expression", "all"])
    author.note(f"returning {form}")
    if form == "nothing":
        return statement, False
    if form == "all":
        whole = source.entity is not None
        return statement.returning(
            source.entity if whole else source.column("title" if source.table == "tasks" else "name")
        ), whole
    columns = [column(author, author.choose([NUMBER, TEXT, TIME, FLAG]), Scope((source,))) for _ in range(2)]
    if form == "expression":
        # On SQLite a subquery may see rows that the statement has changed already, so there it reads no table.
        columns.append(expression(author, NUMBER, Scope((source,), 0)))
    if form == "expression" and author.is_postgres:
        columns.append(one_value(author, Scope((), 1), NUMBER))
    return statement.returning(*(c.label(author.name("r")) for c in columns)), False


def _options(author: Author, source: Source) -> dict[str, Any]:
    if source.entity is None:
        return {}
    options: dict[str, Any] = {}
    if author.happens(0.7):
        options["synchronize_session"] = author.choose([False, "fetch", "auto"])
    if author.happens(0.2):
        options = {"dml_strategy": author.choose(["core_only", "orm"]), "synchronize_session": False}
    return options


@WRITES(4)
def _update(author: Author, scope: Scope) -> Statement:
    source = target(author)
    inner = scope.over(source)
    statement = update(source.element).values(_keyed(author, source, changes(author, inner)))
    return _where(author, statement, inner)


@WRITES(3)
def _delete(author: Author, scope: Scope) -> Statement:
    source = target(author)
    return _where(author, delete(source.element), scope.over(source))


def _keyed(author: Author, source: Source, values: dict[str, Any]) -> dict[Any, Any]:
    """Return the values with column names or columns as keys."""
    return values if author.happens(0.5) else {source.column(name): value for name, value in values.items()}


def _where(author: Author, statement: Any, scope: Scope) -> Statement:
    source = scope.sources[0]
    for _ in range(author.choose([0, 1, 1, 2])):
        statement = statement.where(condition(author, scope.deeper()))
    if author.happens(0.2) and (author.is_postgres or isinstance(statement, Update)):
        statement = _joined(author, statement, scope)
    statement, has_entities = returning(author, statement, scope)
    if author.happens(0.1):
        statement = statement.add_cte(query(author, Scope((), 1), [NUMBER]).statement.cte(author.name("w")))
    return Statement(statement, has_entities=has_entities, is_write=True, options=_options(author, source))


def _joined(author: Author, statement: Any, scope: Scope) -> Any:
    """UPDATE ... FROM, DELETE ... USING: a second source, which only the WHERE uses."""
    author.note("a second table")
    [other] = fresh_sources(author, Scope((), scope.depth - 1, scope.sources), most=1)
    return statement.where(join_condition(author, scope.over(scope.sources[0], other)), named(author, Scope((other,))))


def some_ids(author: Author, model: Any) -> list[int]:
    """Return ids, mostly of mallory's rows."""
    own = [row["id"] for row in MINE[Task if core(model).name == "tasks" else Project]]
    return author.some(own, 2) if author.happens(0.6) else [constant(author, NUMBER)]


@WRITES(1)
def _update_by_key(author: Author, _: Scope) -> Statement:
    model = author.choose([*MAPPED, Card, Board])
    # The owner column is the version_id_col of owned tables, which an UPDATE by primary key needs.
    owner = {"user_id": author.choose(["mallory", "mallory", "alice"])} if model in MAPPED else {}
    rows = [
        {"id": row_id, **owner, "description": constant(author, TEXT), **CHANGED} for row_id in some_ids(author, model)
    ]
    return Statement(update(model), rows, is_write=True)


@WRITES(1)
def _update_for_many_parameters(author: Author, scope: Scope) -> Statement:
    source = target(author)
    table = core(source.entity) if source.entity is not None else source.element
    statement = update(table).where(table.c.id == bindparam("key"))
    statement = statement.values(description=bindparam("new"), **CHANGED)
    rows = [{"key": constant(author, NUMBER), "new": constant(author, TEXT)} for _ in range(author.number(1, 3))]
    return Statement(statement, rows if author.happens(0.7) else rows[0], is_write=True)


@WRITES(1)
def _delete_for_many_parameters(author: Author, scope: Scope) -> Statement:
    model = author.choose(MAPPED)
    table = core(model)
    rows = [{"key": constant(author, NUMBER)} for _ in range(author.number(1, 3))]
    return Statement(delete(table).where(table.c.id == bindparam("key")), rows, is_write=True)


@WRITES(1)
def _new_owner_or_id(author: Author, _: Scope) -> Statement:
    source = target(author)
    while "user_id" not in source.kinds:
        source = target(author)
    name, value = author.choose([("user_id", "alice"), ("user_id", "mallory"), ("id", 14), ("id", 8), ("id", 777)])
    statement = update(source.element).where(source.column("id") == author.choose([13, 3, 15]))
    if author.happens(0.3):
        return Statement(statement, {name: value, **CHANGED}, is_write=True, options=_options(author, source))
    options = _options(author, source)
    return Statement(statement.values({name: value, **CHANGED}), is_write=True, options=options)


@WRITES(0.5)
def _parameter_of_the_owner(author: Author, scope: Scope) -> Statement:
    """A statement with a parameter that has the name of layer 1's own."""
    model = author.choose(MAPPED)
    chosen = select(model.id, model.user_id).order_by(model.id)
    forms = [
        Statement(chosen, {"_owner": "alice"}, is_ordered=True),
        Statement(chosen.where(model.user_id == bindparam("_owner")), {"_owner": "alice"}, is_ordered=True),
        Statement(chosen.where(model.user_id == bindparam("_owner", "alice")), is_ordered=True),
        Statement(chosen.params(_owner="alice"), is_ordered=True),
        Statement(chosen.where(model.id > bindparam("_owner", 3)), is_ordered=True),
        Statement(delete(model).where(model.id > 3), {"_owner": "alice"}, is_write=True),
    ]
    return author.choose(forms)

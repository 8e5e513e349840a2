"""INSERT in all its forms, and writes inside other statements."""

from typing import Any, Final

from sqlalchemy import delete, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from tests.isolation.shapes.conditions import named
from tests.isolation.shapes.expressions import condition, constant, expression
from tests.isolation.shapes.grammar import NUMBER, TEXT, Author, Scope, Source
from tests.isolation.shapes.queries import one_value, query
from tests.isolation.shapes.rows import moment
from tests.isolation.shapes.shape import READS, WRITES, Statement
from tests.isolation.shapes.sources import core
from tests.isolation.shapes.writes import CHANGED, changes, returning, target

_TIMES: Final = {"created_at": moment(20), **CHANGED}
_IDS: Final = [13, 13, 14, 3, 5, 8, 777]


def new_row(author: Author, source: Source, owner: str | None) -> dict[str, Any]:
    """Return the values of a new row, with or without an owner, and sometimes with an id."""
    is_task = source.table == "tasks"
    values = {"title" if is_task else "name": constant(author, TEXT) or "new", "description": constant(author, TEXT)}
    values["completed" if is_task else "archived"] = author.happens(0.5)
    if owner is not None and "user_id" in source.kinds:
        values["user_id"] = owner
    return values | _TIMES


def an_owner(author: Author) -> str | None:
    """Return the owner that a new row names, if it names one."""
    return author.choose([None, None, None, "mallory", "mallory", "mallory", "alice"])


def _given(author: Author, values: dict[str, Any]) -> dict[str, Any]:
    return values | {"id": author.choose(_IDS)} if author.happens(0.15) else values


@WRITES(2)
def _insert_of_values(author: Author, scope: Scope) -> Statement:
    source = target(author)
    values = _given(author, new_row(author, source, an_owner(author)))
    if author.happens(0.7):
        values["description"] = expression(author, TEXT, Scope((), 2))
    statement, has_entities = returning(author, insert(source.element).values(values), Scope((source,), 1))
    return Statement(statement, has_entities=has_entities, is_write=True)


@WRITES(1)
def _insert_of_many(author: Author, scope: Scope) -> Statement:
    source, owner = target(author), an_owner(author)
    rows = [new_row(author, source, owner) for _ in range(author.number(1, 3))]
    statement: Any = insert(source.element)
    if author.happens(0.4):
        statement, has_entities = returning(author, statement.values(rows), Scope((source,), 0))
        return Statement(statement, has_entities=has_entities, is_write=True)
    if author.happens(0.5):
        statement = statement.returning(source.column("id"), sort_by_parameter_order=author.happens(0.5))
    return Statement(statement, rows, is_write=True)


@WRITES(2)
def _insert_from_select(author: Author, scope: Scope) -> Statement:
    source, owner = target(author), an_owner(author)
    fixed = new_row(author, source, owner)
    found = query(author, Scope((), 2), [TEXT, TEXT]).statement.subquery()
    text, other = found.c
    title = "title" if source.table == "tasks" else "name"
    values = fixed | {title: func.coalesce(text, "none"), "description": other}
    chosen = select(*(value if name in (title, "description") else literal(value) for name, value in values.items()))
    names = [source.column(name) for name in values] if author.happens(0.3) else list(values)
    statement = insert(source.element).from_select(names, chosen.order_by(text, other))
    statement, has_entities = returning(author, statement, Scope((source,), 0))
    return Statement(statement, has_entities=has_entities, is_write=True)


@WRITES(1.5)
def _upsert(author: Author, scope: Scope) -> Statement:
    source = target(author)
    values = new_row(author, source, an_owner(author)) | {"id": author.choose(_IDS)}
    build: Any = postgresql.insert if author.is_postgres else sqlite.insert
    statement = build(source.element).values(values)
    # On SQLite `id` is the rowid, so the key of both columns is no conflict target.
    on = author.choose([["id"], ["user_id", "id"]]) if author.is_postgres else ["id"]
    if author.happens(0.3):
        statement = statement.on_conflict_do_nothing(index_elements=on if author.happens(0.7) else None)
    else:
        new: dict[str, Any] = {
            "description": author.choose([statement.excluded.description, "said", _looked_up(author)])
        }
        which = condition(author, Scope((source,), 1)) if author.happens(0.4) else None
        statement = statement.on_conflict_do_update(index_elements=on, set_=new | CHANGED, where=which)
    statement, has_entities = returning(author, statement, Scope((source,), 0))
    return Statement(statement, has_entities=has_entities, is_write=True)


def _looked_up(author: Author) -> Any:
    return one_value(author, Scope((), 1), TEXT)


def _written_within(author: Author, scope: Scope) -> tuple[Any, Source]:
    """Return a write with RETURNING as a CTE of ids and texts."""
    source = target(author)
    inner = scope.deeper().over(source)
    text = source.column("title" if source.table == "tasks" else "name")
    writes: list[Any] = [
        update(source.element).values(changes(author, inner)).where(condition(author, inner)),
        delete(source.element).where(condition(author, inner)),
        insert(source.element).values(new_row(author, source, an_owner(author))),
    ]
    cte = author.choose(writes).returning(source.column("id"), text).cte(author.name("w"))
    return cte, Source(cte, cte.c, {"id": NUMBER, text.key: TEXT}, ("id",))


@READS(1.5, only="postgresql")
def _write_within_a_read(author: Author, scope: Scope) -> Statement:
    cte, source = _written_within(author, scope)
    if author.happens(0.3):
        beside = query(author, Scope((), 1), [NUMBER])
        return Statement(beside.statement.add_cte(cte), is_write=True)
    columns = [expression(author, kind, scope.deeper().over(source)) for kind in (NUMBER, TEXT)]
    return Statement(select(*columns, *cte.c).where(named(author, Scope((source,)))), is_write=True)


@WRITES(1)
def _rows_that_a_write_returns(author: Author, scope: Scope) -> Statement:
    """The ORM reads entities from any statement, also from one on tables without a class."""
    source = target(author)
    while source.entity is None:
        source = target(author)
    inner, table = scope.over(source), core(source.entity)
    named = source.element if author.happens(0.5) else table
    statement: Any = delete(named) if author.happens(0.4) else update(named).values(changes(author, inner))
    written = statement.where(condition(author, inner)).returning(*table.c)
    read = select(source.entity).from_statement(written)
    return Statement(read, has_entities=True, is_write=True, options={"synchronize_session": False})


@WRITES(0.7, only="postgresql")
def _write_within_a_write(author: Author, scope: Scope) -> Statement:
    cte, _ = _written_within(author, scope)
    source = target(author)
    outer = insert(source.element).values(new_row(author, source, an_owner(author)))
    return Statement(outer.add_cte(cte).returning(source.column("id")), is_write=True)

"""The owner's filter: every statement is looked through before it runs, and gets it or is refused.

SQLAlchemy adds `with_loader_criteria` to the mapped entities of an ORM statement and to nothing else. A table object,
a piece of text or a Core subquery inside such a statement would stay unfiltered, so those are refused here, each with
the thing to write instead. The module leans on three private names of SQLAlchemy (`_annotations`, `_propagate_attrs`,
`_values`), because it offers no public ones; the sweep in the tests fails if one of them changes its meaning.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import (
    Alias,
    Delete,
    Select,
    SelectBase,
    String,
    Table,
    TextClause,
    Update,
    bindparam,
    false,
    inspect,
    true,
)
from sqlalchemy.orm import LoaderCriteriaOption, ORMExecuteState, with_loader_criteria
from sqlalchemy.sql import visitors
from sqlalchemy.sql.dml import ReturningDelete, ReturningUpdate
from sqlalchemy.sql.elements import ColumnClause, ColumnElement
from sqlalchemy.sql.selectable import TableClause

from app.core.data.errors import ForeignRow, OwnerNotBound, UnreachableStatement
from app.core.data.owned import OWNER_COLUMN, Owned, owned_models

StatementT = TypeVar("StatementT", Select[Any], ReturningUpdate[Any], ReturningDelete[Any])

_OWNER: Final = bindparam("_owner", type_=String)

# The statements that `of_owner` made, each with what it is without the condition. They are known by what they are: one
# that is derived from them is another, and looked through like any.
_MADE: Final[WeakKeyDictionary[Any, Any]] = WeakKeyDictionary()


def hold_statement(state: ORMExecuteState, owner: str | None) -> None:
    """Add the owner's filter to a statement that is about to run; with no owner it finds nothing.

    Raises:
        OwnerNotBound: there is no owner, and the statement names owned rows.
        UnreachableStatement: the filter cannot reach all of it.
        ForeignRow: it would give rows away.
    """
    parameters = state.parameters or {}
    if not isinstance(parameters, Mapping):
        raise UnreachableStatement("A bulk UPDATE by key is out of the owner's reach; use update(...).where(...).")
    if not state.is_orm_statement:
        raise UnreachableStatement("Core and text statements are out of the owner's reach; use the mapped classes.")
    if state.is_insert:
        raise UnreachableStatement("An INSERT statement is out of the owner's reach; use insert_row() or add().")
    if isinstance(state.statement, Update | Delete):
        _refuse_foreign_effects(state.statement)
    _refuse_new_owner(state.statement, parameters)
    # What SQLAlchemy's own loaders write follows from a statement that was looked through before.
    if not state.is_relationship_load and owned_entities(state.statement) and owner is None:
        raise OwnerNotBound
    state.statement = _filtered(state, bound=owner is not None)
    state.parameters = {**parameters, _OWNER.key: owner}


def _refuse_new_owner(statement: Any, values: Mapping[str, Any]) -> None:
    if isinstance(statement, Update) and OWNER_COLUMN in values:
        raise ForeignRow(f"An UPDATE is given {OWNER_COLUMN}, but the owner of a row never changes.")


def about_owner(statement: Any, values: Mapping[str, Any], owner: str | None) -> dict[str, Any]:
    """Return the values with which a statement of `of_owner()` runs for this owner.

    Raises:
        OwnerNotBound: there is no owner.
        UnreachableStatement: `of_owner()` did not write it.
        ForeignRow: it would give rows away.
    """
    _refuse_unknown(statement)
    if owner is None:
        raise OwnerNotBound
    _refuse_new_owner(statement, values)
    return {**values, _OWNER.key: owner}


def about_everyone(statement: Any) -> Any:
    """Return a statement of `of_owner()` without its condition.

    Raises:
        UnreachableStatement: `of_owner()` did not write it.
    """
    _refuse_unknown(statement)
    return _MADE[statement]


def _refuse_unknown(statement: Any) -> None:
    if statement not in _MADE:
        raise UnreachableStatement("run() takes what of_owner() wrote, and nothing derived from it; use execute().")


def of_owner(write: Callable[[ColumnElement[bool]], StatementT], model: type[Owned]) -> StatementT:
    """Return a Core statement about a table's rows of the session's owner, for what runs in every request.

    It is written once and only its parameters change: looking an ORM statement through, and SQLAlchemy's own work on
    one, cost more than running it. `write` is given the owner's condition and puts it wherever it reads the table.

    Raises:
        UnreachableStatement: it left the condition out somewhere.
        ForeignRow: it gives rows away.
    """
    table = inspect(model).local_table
    statement = write(_is_mine(table.c))
    for part in visitors.iterate(statement):
        if isinstance(part, Select | Update | Delete) and not _has_condition(part):
            raise UnreachableStatement(f"A statement about {table} leaves the owner out; put the condition into it.")
    _refuse_assigned_owner(statement)
    _MADE[statement] = write(true())
    return statement


def _has_condition(part: Select[Any] | Update | Delete) -> bool:
    nodes = list(_outside_subqueries(part))
    owned = any(isinstance(node, Table) and OWNER_COLUMN in node.c for node in nodes)
    return not owned or any(node is _OWNER for node in nodes)


def _filtered(state: ORMExecuteState, *, bound: bool) -> Any:
    """The statement with a filter for every owned table, also for those that its loaders will read later."""
    statement: Any = state.statement
    mapper = state.bind_mapper
    if state.is_column_load and mapper and issubclass(mapper.class_, Owned):
        # A refresh by key: SQLAlchemy leaves loader criteria out of it.
        return statement.where(_is_mine(mapper.class_) if bound else false())
    return statement.options(*_criteria(owned_models(), bound))


@cache
def _criteria(models: tuple[type[Owned], ...], bound: bool) -> tuple[LoaderCriteriaOption, ...]:
    # A function, not an expression: SQLAlchemy calls it with the alias where there is one. An expression about the
    # class stays about the class in the ON of a self join, and the aliased side is left open.
    return tuple(
        with_loader_criteria(model, _is_mine if bound else false(), include_aliases=True, track_closure_variables=False)
        for model in models
    )


def _is_mine(model: Any) -> ColumnElement[bool]:
    mine: ColumnElement[bool] = model.user_id == _OWNER  # SQLAlchemy reads this function: no getattr, no constant
    return mine


def owned_entities(statement: Any) -> frozenset[type[Owned]]:
    """Return the owned classes that an ORM statement names, in itself and in its subqueries.

    Raises:
        UnreachableStatement: part of it is written in a way to which the owner's filter cannot be added.
    """
    nodes: tuple[Any, ...] = tuple(visitors.iterate(statement))
    entities = {_entity(node) for node in nodes} - {None}
    reached = {part for entity in entities for part in _parts(entity.selectable)}
    for node in nodes:
        _refuse_raw_sql(node)
        _refuse_core_table(node, reached)
        _refuse_core_select(node)
    mapped = {entity.mapper.class_ for entity in entities}
    return frozenset(model for model in mapped if issubclass(model, Owned))


def _refuse_foreign_effects(statement: Update | Delete) -> None:
    """Refuse an UPDATE that sets the owner of rows, and one, or a DELETE, that joins a second owned table.

    SQLAlchemy adds the filter to the table that is written, not to those that it is joined with.

    Raises:
        ForeignRow: it would give rows away.
        UnreachableStatement: it would look at the rows of others to choose its own.
    """
    _refuse_assigned_owner(statement)
    joined = {_entity(node) for node in _outside_subqueries(statement)} - {None}
    if len(joined) > 1:
        raise UnreachableStatement("An UPDATE or DELETE joins a second table; use `column.in_(select(...))` instead.")


def _refuse_assigned_owner(statement: Any) -> None:
    if isinstance(statement, Update):
        assigned = [getattr(key, "key", key) for key in dict(statement._values or {})]
        if OWNER_COLUMN in assigned:
            raise ForeignRow(f"An UPDATE sets {OWNER_COLUMN}, but the owner of a row never changes.")


def _entity(node: Any) -> Any:
    return node._annotations.get("parententity")


def _outside_subqueries(node: Any, *, top: bool = True) -> Iterator[Any]:
    """What a statement is made of, but for the statements within it."""
    yield node
    if isinstance(node, SelectBase) and not top:
        return
    for child in node.get_children():
        yield from _outside_subqueries(child, top=False)


def _parts(selectable: Any) -> Iterator[Any]:
    """The selectable of an entity, and for `aliased(Task)` the table beneath the alias."""
    yield selectable
    if isinstance(selectable, Alias):
        yield selectable.element


def _refuse_raw_sql(node: Any) -> None:
    """Refuse text, but for what `count(*)` and `SELECT 1` are made of."""
    if isinstance(node, TextClause):
        text = node.text
    elif isinstance(node, ColumnClause) and node.is_literal:
        text = node.name
    else:
        return
    if text != "*" and not text.isdecimal():
        raise UnreachableStatement(
            "Raw SQL inside a statement is out of the owner's reach; write it with mapped columns."
        )


def _refuse_core_table(node: Any, reached: set[Any]) -> None:
    table = node.element if isinstance(node, Alias) else node
    if not isinstance(table, TableClause):
        return
    if not isinstance(table, Table):
        raise UnreachableStatement(f"table({table.name!r}) is out of the owner's reach; select from the mapped class.")
    if OWNER_COLUMN in table.c and node not in reached:
        raise UnreachableStatement(
            f"The table {table.name!r} is used without its class, out of the owner's reach; select the mapped class."
        )


def _refuse_core_select(node: Any) -> None:
    """A subquery of Core columns only is no ORM statement: SQLAlchemy would add nothing to it."""
    if not isinstance(node, Select) or node._propagate_attrs.get("compile_state_plugin") == "orm":
        return
    for inner in visitors.iterate(node):
        if isinstance(inner, Table) and OWNER_COLUMN in inner.c:
            raise UnreachableStatement(
                f"A subquery reads {inner.name!r} through Core, out of the owner's reach; select the mapped class."
            )

"""Sorts operations: a table is created after the tables that it refers to, and dropped before them."""

# `tables/cycles.py` sorts tables with resolved foreign keys. The keys in alembic's operations are unresolved, and in a
# cycle some become separate operations, so the two modules share no step.

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from alembic.operations import MigrateOperation
from alembic.operations.ops import CreateForeignKeyOp, CreateTableOp, DropConstraintOp, DropTableOp, ModifyTableOps
from sqlalchemy import ForeignKeyConstraint, MetaData, Table

from app.core.data.schema.operations.protecting import ProtectOp


def sorted_operations(operations: Iterable[MigrateOperation]) -> list[MigrateOperation]:
    """Return the operations of autogenerate in an order that can run: new tables first, dropped tables last."""
    operations = list(operations)
    created = [op for op in operations if isinstance(op, CreateTableOp)]
    dropped = [op for op in operations if isinstance(op, DropTableOp)]
    protected = [op for op in operations if isinstance(op, ProtectOp)]
    changed = [op for op in operations if op not in {*created, *dropped, *protected}]
    gone = {op.table_name for op in dropped}
    last = [op for op in changed if isinstance(op, ModifyTableOps) and op.table_name in gone]
    changed = [op for op in changed if op not in last]
    return [*_created(created), *changed, *last, *_dropped(dropped), *protected]


def _created(tables: Sequence[CreateTableOp]) -> Iterator[MigrateOperation]:
    # In a cycle of tables, a foreign key to a later table is added when all tables exist.
    made, keys = set[str](), []
    for table in _sorted(tables, {op.table_name: _targets(op.columns) for op in tables}):
        later = {op.table_name for op in tables} - made - {table.table_name}
        keys += [(table.table_name, part) for part in table.columns if _target(part) in later]
        table.columns = [part for part in table.columns if _target(part) not in later]
        made.add(table.table_name)
        yield table
    yield from (ModifyTableOps(name, [CreateForeignKeyOp.from_constraint(_bound(name, key))]) for name, key in keys)


def _dropped(tables: Sequence[DropTableOp]) -> Iterator[MigrateOperation]:
    # In a cycle of tables, the foreign keys are dropped first.
    parts = {op.table_name: list(_reverse_of(op).columns) for op in tables}
    order = _sorted(tables, {name: _targets(columns) for name, columns in parts.items()})[::-1]
    for number, table in enumerate(order):
        name, earlier = table.table_name, {op.table_name for op in order[:number]}
        keys = [part for part in parts[name] if _target(part) in earlier]
        _reverse_of(table).columns = [part for part in parts[name] if part not in keys]
        for key in keys:
            yield ModifyTableOps(name, [DropConstraintOp.from_constraint(_bound(name, cast("Any", key)))])
    yield from order


def _sorted(tables: Sequence[Any], targets: dict[str, set[str]]) -> list[Any]:
    # In a cycle no table is free, and the first one is next.
    left, done = list(tables), list[Any]()
    while left:
        names = {table.table_name for table in left}
        free = (table for table in left if not targets[table.table_name] & (names - {table.table_name}))
        done.append(next(free, left[0]))
        left.remove(done[-1])
    return done


def _targets(parts: Iterable[Any]) -> set[str]:
    return {target for part in parts if (target := _target(part))}


def _target(part: Any) -> str | None:
    is_key = isinstance(part, ForeignKeyConstraint)
    return part.elements[0].target_fullname.split(".")[0] if is_key else None


def _bound(table: str, key: ForeignKeyConstraint) -> ForeignKeyConstraint:
    # Alembic reads the columns of a key from its table.
    if key.parent is None:
        key = ForeignKeyConstraint(key.column_keys, [element.target_fullname for element in key.elements])
        Table(table, MetaData(), key)
    return key


def _reverse_of(operation: DropTableOp) -> CreateTableOp:
    reverse = operation._reverse
    assert reverse is not None, "autogenerate sets it"  # noqa: S101
    return reverse

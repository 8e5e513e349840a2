"""Cycles of foreign keys between tables: the tables are sorted without one foreign key of each cycle."""

import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Final

from sqlalchemy import ForeignKeyConstraint, Table
from sqlalchemy.exc import SAWarning
from sqlalchemy.schema import sort_tables_and_constraints

from app.core.data.tables.indexes import ON_DELETE
from app.core.data.tables.row_ids import link_column, link_tables

MAKE_ONE_NULLABLE: Final = "Let one of these references be empty: `RowId | None`."

Tables = Mapping[str, Table]
_Edge = tuple[str, str]
_Keys = dict[_Edge, list[ForeignKeyConstraint]]


def sorted_tables(tables: Tables) -> list[Table]:
    """Return the tables, each after the tables that it refers to, apart from `cycle_breaking_keys()`."""
    ahead = cycle_breaking_keys(tables)
    by_name = [tables[name] for name in sorted(tables)]
    # A row follows the rows that its list names: a trigger writes the links together with the row.
    linked = [(tables[target], tables[source]) for source, target, key in _links_between(tables) if key not in ahead]
    found = sort_tables_and_constraints(  # type: ignore[no-untyped-call]
        by_name, filter_fn=lambda key: key in ahead or None, extra_dependencies=linked
    )
    return [table for table, _ in found if table is not None]


def cycle_breaking_keys(tables: Tables) -> set[ForeignKeyConstraint]:
    """Return one foreign key of each cycle, a nullable one if possible; without them the tables can be sorted."""
    # The keys are sorted, so the result does not depend on the order in which the tables were defined.
    keys = {edge: found for edge, found in _keys_between(tables).items() if edge[0] != edge[1]}
    ahead: set[ForeignKeyConstraint] = set()
    while cycle := _cycle_in(keys):
        weakest = min(cycle, key=lambda edge: (max(map(_strictness, keys[edge])), edge))
        ahead.update(keys.pop(weakest))
    return ahead


@contextmanager
def sorting_cycles() -> Iterator[None]:
    """Silence SQLAlchemy's warning about cycles while alembic sorts tables."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Cannot correctly sort tables", SAWarning)
        yield


def components(tables: Sequence[Table]) -> list[list[Table]]:
    """Return the strongly connected components: the tables of a cycle together, after the tables they refer to."""
    targets = {table: {key.referred_table for key in table.foreign_key_constraints} & {*tables} for table in tables}
    by_name = {table.name: table for table in tables}
    for source, target, _ in _links_between(tables[0].metadata.tables) if tables else ():
        if source in by_name and target in by_name:
            targets[by_name[source]].add(by_name[target])
    reached = {table: _reached_from(table, targets) for table in tables}
    tied = {
        table: [t for t in tables if t is table or (t in reached[table] and table in reached[t])] for table in tables
    }
    groups = {table: tuple(tied[table]) for table in tables}
    order: TopologicalSorter[tuple[Table, ...]] = TopologicalSorter()
    for table in tables:
        order.add(groups[table], *({groups[target] for target in targets[table]} - {groups[table]}))
    return [list(group) for group in order.static_order()]


def impossible_rows(tables: Tables) -> Iterator[str]:
    """Yield a sentence for each cycle of required references, also for a table that refers to itself."""
    found = {edge: [key for key in keys if _is_required(key)] for edge, keys in _keys_between(tables).items()}
    required = {edge: keys for edge, keys in found.items() if keys}
    while cycle := _cycle_in(required):
        columns = ", ".join(f"{source}.{required[source, target][0].column_keys[-1]}" for source, target in cycle)
        yield f"No row can be the first one, because each needs another: {columns}."
        del required[cycle[0]]


def _keys_between(tables: Tables) -> _Keys:
    # Without the keys to other tables.
    found: _Keys = defaultdict(list)
    for name in sorted(tables):
        for key in sorted(tables[name].foreign_key_constraints, key=lambda key: tuple(key.column_keys)):
            target = key.elements[0].target_fullname.rpartition(".")[0]
            if target in tables:
                found[name, target].append(key)
    for source, target, key in _links_between(tables):
        found[source, target].append(key)
    return found


def _links_between(tables: Tables) -> list[tuple[str, str, ForeignKeyConstraint]]:
    links = [(link.source, link.target, link.target_key) for link in link_tables(tables.values())]
    return [link for link in links if link[0] != link[1] and {*link[:2]} <= tables.keys()]


def _reached_from(start: Table, targets: Mapping[Table, set[Table]]) -> set[Table]:
    reached, ahead = set[Table](), [start]
    while ahead:
        found = targets[ahead.pop()] - reached
        reached |= found
        ahead += found
    return reached


def _cycle_in(keys: _Keys) -> list[_Edge]:
    graph: TopologicalSorter[str] = TopologicalSorter()
    for source, target in keys:
        graph.add(source, target)
    try:
        graph.prepare()
    except CycleError as error:
        return [(source, target) for target, source in pairwise(error.args[1])][::-1]
    return []


def _strictness(key: ForeignKeyConstraint) -> tuple[bool, bool]:
    return _is_required(key), key.info.get(ON_DELETE) != "set null"


def _is_required(key: ForeignKeyConstraint) -> bool:
    return link_column(key) is None and not any(column.nullable for column in key.columns)

"""Relations in a query: the rows to which found rows refer, and the numbers of rows that refer to them."""

# Problem: a join repeats a tag for each task that has it, and two lists multiply each other. JSON in the database has
# its own forms of instants and decimals, and no choices. Decision: each related row is one more row of the result, in
# columns of its own, whose types read it as they read any row. Cost: the columns of the other parts are null.

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import CTE, ColumnElement, Integer, Select, cast, func, literal_column, null, select, union_all

from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import table_of, visible_columns
from app.core.data.tables.relations import Relation, referrers_of, relations_of
from app.core.data.tables.row_ids import ROW_ID, TARGET_ID

FOUND: Final = 0
"""The part of a result with the rows of the query itself. The related rows of each relation are a part, too."""

Order = Callable[[Any], Iterable[ColumnElement[Any]]]
"""Returns the parts of ORDER BY, from the columns of a query."""


class Related(NamedTuple):
    """What a client asks for beside the columns: the names of relations, and of referrers to count."""

    expand: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()


NOT_RELATED: Final = Related()


def reference_columns(model: type[Owned], related: Related) -> set[str]:
    """Return the columns from which the related rows follow."""
    return {relations_of(model)[name].column for name in related.expand}


def with_related(found: Select[Any], model: type[Owned], related: Related, order: Order = lambda _: ()) -> Select[Any]:
    """Return the query with related rows, in the order of their parts; the rows of the query itself are sorted.

    The result has the columns of the query, one for each count, those of the rows of each relation, and the part.
    """
    rows = found.cte("_found")  # the name of a CTE hides a table, and no table has this one
    counts = [_count(rows, model, name).label(f"count_{place}") for place, name in enumerate(related.counts)]
    parts = [select(*rows.c, *counts), *_targets(rows, model, related.expand)]
    if len(parts) == 1:
        result = parts[FOUND].add_columns(_number(FOUND)).subquery("result")
    else:
        result = union_all(*_padded(parts)).subquery("result")
    return select(result).order_by(result.c.part, *order(result.c))


def _padded(parts: Sequence[Select[Any]]) -> Iterator[Select[Any]]:
    # Each part has the columns of all of them: its own ones, and null for the others.
    for number, part in enumerate(parts):
        own = part.subquery(f"part_{number}")
        before, after = _nulls(parts[:number]), _nulls(parts[number + 1 :])
        yield select(*before, *own.c, *after, _number(number)).select_from(own)


def _nulls(parts: Iterable[Select[Any]]) -> list[ColumnElement[Any]]:
    # With a type, because PostgreSQL takes the null of a first part for a text.
    return [cast(null(), column.type).label(column.key) for part in parts for column in part.selected_columns]


def _number(part: int) -> ColumnElement[int]:
    return literal_column(str(part), Integer()).label("part")


def _targets(rows: CTE, model: type[Owned], names: Sequence[str]) -> Iterator[Select[Any]]:
    for part, name in enumerate(names, FOUND + 1):
        relation = relations_of(model)[name]
        table = table_of(relation.model).alias()
        columns = [
            table.c[column.key].label(f"{column.key}_{part}") for column in visible_columns(table_of(relation.model))
        ]
        yield select(*columns).where(table.c.id.in_(_ids(rows, relation)))


def _ids(rows: CTE, relation: Relation) -> Select[Any]:
    if relation.links is None:
        return select(rows.c[relation.column])
    links = relation.links.alias()
    return select(links.c[TARGET_ID]).where(links.c[ROW_ID].in_(select(rows.c.id)))


def _count(rows: CTE, model: type[Owned], name: str) -> Any:
    referrer = referrers_of(model)[name]
    table = referrer.table.alias()
    return select(func.count()).where(table.c[referrer.column] == rows.c.id).correlate(rows).scalar_subquery()

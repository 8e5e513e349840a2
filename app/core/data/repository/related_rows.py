"""Rows with relations, from the values that a query of `sql/relations.py` returns."""

from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import astuple

from app.core.data.connection.compiled import Rows
from app.core.data.repository.rows import Row, row_struct
from app.core.data.sql.relations import FOUND, Related
from app.core.data.sql.shapes import MAX_SHAPES
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import columns_of
from app.core.data.tables.relations import COUNTS, relations_of

Values = tuple[Any, ...]
Read = Callable[[Values], Any]
"""Returns what a relation adds to a row, from the values of the row."""


@cache
def related_struct(model: type[Owned]) -> type[msgspec.Struct]:
    """Return the Struct of a table's rows with relations; those that a client did not ask for are UNSET."""
    # One class for all sets of relations, because one for each set would let clients fill the memory.
    fields = [(name, Any, UNSET) for name in (*relations_of(model), COUNTS)]
    return msgspec.defstruct(f"Related{model.__name__}", fields, bases=(row_struct(model),), frozen=True, gc=False)


class RelatedReader:
    """Adds relations to the rows of a query, whose own columns have these places."""

    def __init__(self, model: type[Owned], related: Related, places: Mapping[str, int]) -> None:
        self._struct = related_struct(model)
        self._id = places["id"]
        end = len(places) + len(related.counts)
        self._counts = _counts_reader(related, slice(len(places), end))
        self._parts = dict[str, _Part]()
        for number, name in enumerate(related.expand, FOUND + 1):
            self._parts[name] = _Part(model, name, number, end, places)
            end = self._parts[name].end
        self._names = tuple(relations_of(model))

    def found(self, values: Rows) -> Rows:
        """Return the rows of the query itself. A part without rows has one of nulls."""
        return [row for row in values if row[-1] == FOUND and row[self._id] is not None]

    def adder(self, values: Rows) -> Callable[[Values, Row], Row]:
        """Return the function that adds the relations to a row, which was made of these values."""
        readers = [self._parts[name].reader(values) if name in self._parts else _unset for name in self._names]
        readers.append(self._counts)
        struct = self._struct
        return lambda own, row: struct(*astuple(row), *[read(own) for read in readers])


@lru_cache(maxsize=MAX_SHAPES)
def row_reader(model: type[Owned], related: Related) -> RelatedReader:
    """Return the reader of rows with all of their columns."""
    return RelatedReader(model, related, {column.key: place for place, column in enumerate(columns_of(model))})


class _Part:
    # The rows of one relation: the number of the part, and the places of their columns.
    def __init__(self, model: type[Owned], name: str, number: int, start: int, places: Mapping[str, int]) -> None:
        relation = relations_of(model)[name]
        names = [column.key for column in columns_of(relation.model)]
        self.end = start + len(names)
        self._number, self._columns, self._id = number, slice(start, self.end), start + names.index("id")
        self._struct = row_struct(relation.model)
        self._place, self._is_list = places[relation.column], relation.links is not None

    def reader(self, values: Rows) -> Read:
        rows = {
            row[self._id]: self._struct(*row[self._columns])
            for row in values
            if row[-1] == self._number and row[self._id] is not None
        }
        place = self._place
        if self._is_list:
            return lambda own: [rows[target] for target in own[place] if target in rows]
        return lambda own: rows.get(own[place])


def _counts_reader(related: Related, places: slice) -> Read:
    names = related.counts
    return (lambda own: dict(zip(names, own[places], strict=True))) if names else _unset


def _unset(_: Values) -> Any:
    return UNSET

"""The start symbol of the grammar: a number determines the whole shape."""

from typing import Any

from tests.isolation.shapes import compounds, derived, entities, inserts, objects, raw, subqueries, writes
from tests.isolation.shapes.grammar import Author, Scope
from tests.isolation.shapes.queries import query, some_kinds
from tests.isolation.shapes.shape import CALLS, OBJECTS, READS, WRITES, Shape, Statement

PARTS: Any = (compounds, derived, entities, inserts, objects, raw, subqueries, writes)
"""The modules whose import adds productions."""


@READS(12)
def _query(author: Author, scope: Scope) -> Statement:
    found = query(author, scope, some_kinds(author))
    return Statement(found.statement, is_ordered=found.is_ordered)


def shape_of(number: int, dialect: str) -> Shape:
    """Return the shape of this number for this kind of database; it is always the same."""
    author = Author(number, dialect)
    what = author.choose(["read"] * 6 + ["write"] * 3 + ["object"])
    author.note(what)
    scope = Scope(depth=author.choose([0, 1, 1, 1, 2, 2, 3]))
    if what == "object":
        run, statement = author.write(OBJECTS, scope), None
    else:
        statement = author.write(READS if what == "read" else WRITES, scope)
        run = author.write(CALLS, scope, statement)
    return Shape(number, tuple(author.used), run, statement and statement.statement)

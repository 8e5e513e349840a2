"""Nouns and fields that are called by words of SQL, each a table of its own, scaffolded into a copy of the repository.

They are made in one process and used in another: a mapped class never goes away again.
"""

from typing import Final

_SQLITE: Final = """
    abort action add after all alter always analyze and as asc attach autoincrement before begin between by cascade case
    cast check collate column commit conflict constraint create cross current current_date current_time
    current_timestamp database default deferrable deferred delete desc detach distinct do drop each else end escape
    except exclude exclusive exists explain fail filter first following for foreign from full generated glob group
    groups having if ignore immediate in index indexed initially inner insert instead intersect into is isnull join key
    last left like limit match materialized natural no not nothing notnull null nulls of offset on or order others outer
    over partition plan pragma preceding primary query raise range recursive references regexp reindex release rename
    replace restrict returning right rollback row rows savepoint select set table temp temporary then ties to
    transaction trigger unbounded union unique update using vacuum values view virtual when where window with without
"""
_OURS: Final = """
    after auth before body cli count cursor data date datetime edge excluded float health http ids int limit line
    name new offset oid ops owner page path people policy prefer public read_only reference rowid rows seen sequence
    size text total url user uuid
"""

SQLITE: Final = frozenset(_SQLITE.split())
"""The keywords of SQLite, which Python's module does not tell (https://sqlite.org/lang_keywords.html)."""

OURS: Final = frozenset(_OURS.split())
"""What queries, parameters, types and functions of the frame call something of their own."""

"""Shapes: what clients choose about a statement, apart from its values.

Requests can have any number of shapes (sets of columns, orders, filters). So each cache that has a shape in its key is
an `lru_cache(MAX_SHAPES)`. A client can evict the shapes of others, which are then compiled anew in a millisecond; it
cannot make a process grow.
"""

from typing import Final

MAX_SHAPES: Final = 1024

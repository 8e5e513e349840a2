"""Shapes: the parts of a statement that a client chooses and that change its SQL: columns, order, filters."""

from typing import Final

# The number of shapes has no limit, so each cache with a shape in its key is an `lru_cache(MAX_SHAPES)`. A client can
# evict the shapes of others, which are then compiled again in a millisecond; it cannot use up the memory.
MAX_SHAPES: Final = 1024

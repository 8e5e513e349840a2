"""A shape: one statement, and the way to execute it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.core.data.ownership.session import AppSession
from tests.isolation.shapes.grammar import Productions

READS: Final = Productions(is_start=True)
WRITES: Final = Productions(is_start=True)
CALLS: Final = Productions(is_start=True)
"""Ways to execute a `Statement`."""
OBJECTS: Final = Productions(is_start=True)
"""Calls of a session or a repository without a statement."""

Run = Callable[[AppSession], Awaitable[Any]]


@dataclass(frozen=True)
class Statement:
    """A statement with its parameters, and the properties of its result."""

    statement: Any
    parameters: Any = None
    is_ordered: bool = False
    """The order of its rows is total."""
    has_entities: bool = False
    is_write: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Shape:
    """A function to run in each world, with the number that makes the same shape again."""

    number: int
    used: tuple[str, ...]
    """The productions that it is made of."""
    run: Run
    statement: Any

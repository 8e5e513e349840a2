"""The grammar: productions, the author that chooses among them, and the scope of names for a production.

All random choices come from the author's `Random`, so a number always gives the same shape.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from random import Random
from typing import Any, Final, TypeVar

T = TypeVar("T")

NUMBER: Final = "number"
TEXT: Final = "text"
FLAG: Final = "flag"
TIME: Final = "time"
KINDS: Final = {
    **dict.fromkeys(("id", "project_id"), NUMBER),
    **dict.fromkeys(("title", "name", "description", "user_id"), TEXT),
    **dict.fromkeys(("completed", "archived"), FLAG),
    **dict.fromkeys(("created_at", "updated_at"), TIME),
}
"""The kind of each column of the tables; values of one kind can be compared."""


@dataclass(frozen=True)
class Source:
    """An element of a FROM clause."""

    element: Any
    named: Any
    """What has its columns as attributes."""
    kinds: Mapping[str, str]
    """The kind of each of its columns."""
    key: Sequence[str]
    """The columns that tell its rows apart, so that an order by them is total."""
    entity: Any = None
    """What the ORM selects as a whole."""
    table: str = ""
    """Which table's rows these are, where it is one."""
    is_alias: bool = True
    """It has a name of its own in SQL."""

    def column(self, name: str) -> Any:
        """Return the column of this name."""
        return getattr(self.named, name)

    def clashes_with(self, others: "Iterable[Source]") -> bool:
        """Return whether another source has the same name in SQL."""
        return not self.is_alias and any(o.table == self.table for o in others if not o.is_alias)


@dataclass(frozen=True)
class Scope:
    """The sources that an expression may use, and the remaining depth."""

    sources: tuple[Source, ...] = ()
    depth: int = 2
    outer: tuple[Source, ...] = ()

    def columns(self, kind: str) -> list[tuple[Source, str]]:
        """Return the columns of a kind; own columns are listed twice, so they are chosen more often."""
        own, outer = (
            [(source, name) for source in sources for name, its in source.kinds.items() if its == kind]
            for sources in (self.sources, self.outer)
        )
        return own + own + outer

    def deeper(self) -> "Scope":
        """Return the same scope with one step less of depth."""
        return replace(self, depth=self.depth - 1)

    def within(self) -> "Scope":
        """Return the scope of a subquery without a FROM."""
        return Scope((), self.depth - 1, self.sources + self.outer)

    def over(self, *sources: Source) -> "Scope":
        """Return the scope of a statement that reads these sources."""
        return replace(self, sources=sources)

    def alone(self) -> "Scope":
        """Return the same scope without the enclosing statements."""
        return replace(self, outer=())

    def key(self) -> list[Any]:
        """Return columns that give the rows a total order."""
        return [source.column(name) for source in self.sources for name in source.key]


class Author:
    """The random generator of one shape: it chooses, makes names, and records the productions."""

    def __init__(self, number: int, dialect: str) -> None:
        self.dialect = dialect
        self.is_postgres = dialect == "postgresql"
        self.used: list[str] = []
        self._random = Random(number)  # noqa: S311  # nothing secret
        self._names = count(1)

    def choose(self, items: Sequence[T]) -> T:
        """Return one of them."""
        return self._random.choice(items)

    def one_of(self, *ways: Callable[[], T]) -> T:
        """Return the result of one of these functions; only this one is called."""
        return self.choose(ways)()

    def some(self, items: Sequence[T], most: int) -> list[T]:
        """Return one or more of them, in a random order."""
        return self._random.sample(items, self._random.randint(1, min(most, len(items))))

    def happens(self, chance: float) -> bool:
        """Return True with this probability."""
        return self._random.random() < chance

    def number(self, low: int, high: int) -> int:
        """Return a number between the two, inclusive."""
        return self._random.randint(low, high)

    def name(self, of: str) -> str:
        """Return a name that this shape has not used yet."""
        return f"{of}_{next(self._names)}"

    def note(self, what: str) -> None:
        """Record a production."""
        self.used.append(what)

    def write(self, productions: "Productions", scope: Scope, *arguments: Any) -> Any:
        """Choose a production, and return its result."""
        production = self._random.choices(*productions.fitting(self.dialect, scope.depth > 0))[0]
        self.note(production.name)
        return production.make(self, scope, *arguments)


Make = Callable[..., Any]
MakeT = TypeVar("MakeT", bound=Make)


@dataclass(frozen=True)
class Production:
    """A function that makes one form of SQL."""

    make: Make
    weight: float
    only: str | None
    is_leaf: bool

    @property
    def name(self) -> str:
        """Return its name in a report."""
        return self.make.__name__.strip("_").replace("_", " ")


@dataclass
class Productions:
    """All productions of one kind; any module may add some."""

    is_start: bool = False
    """A shape begins with it, so that it is chosen at any depth."""
    _all: list[Production] = field(default_factory=list)
    _chosen: dict[tuple[str, bool], tuple[list[Production], list[float]]] = field(default_factory=dict)

    def __call__(self, weight: float = 1, *, only: str | None = None, leaf: bool = False) -> Callable[[MakeT], MakeT]:
        """Add the decorated function; a `leaf` needs no further depth, `only` names the dialect that supports it."""

        def add(make: MakeT) -> MakeT:
            self._all.append(Production(make, weight, only, leaf))
            return make

        return add

    def fitting(self, dialect: str, may_go_on: bool) -> tuple[list[Production], list[float]]:
        """Return the productions that can be chosen, with their weights."""
        key = dialect, may_go_on
        if key not in self._chosen:
            fit = [p for p in self._all if p.only in (None, dialect) and (self.is_start or may_go_on or p.is_leaf)]
            self._chosen[key] = fit, [p.weight for p in fit]
        return self._chosen[key]

"""The grammar: productions, the author who chooses among them, and what a production may name.

All chance is in the author's `Random`, so that a shape is repeated from its number alone.
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
"""The kind of each column of the tables: what it can be compared with."""


@dataclass(frozen=True)
class Source:
    """Something that can stand in a FROM."""

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
        """Tell whether one of the others has its name in SQL."""
        return not self.is_alias and any(o.table == self.table for o in others if not o.is_alias)


@dataclass(frozen=True)
class Scope:
    """What an expression may name, and how deep it may go."""

    sources: tuple[Source, ...] = ()
    depth: int = 2
    outer: tuple[Source, ...] = ()

    def columns(self, kind: str) -> list[tuple[Source, str]]:
        """Return the columns of a kind; those of enclosing statements come once, the own ones twice."""
        own, outer = (
            [(source, name) for source in sources for name, its in source.kinds.items() if its == kind]
            for sources in (self.sources, self.outer)
        )
        return own + own + outer

    def deeper(self) -> "Scope":
        """Return the same, one step on."""
        return replace(self, depth=self.depth - 1)

    def within(self) -> "Scope":
        """Return the scope of a subquery that has no FROM yet."""
        return Scope((), self.depth - 1, self.sources + self.outer)

    def over(self, *sources: Source) -> "Scope":
        """Return the scope of a statement that reads these."""
        return replace(self, sources=sources)

    def alone(self) -> "Scope":
        """Return the same without the enclosing statements."""
        return replace(self, outer=())

    def key(self) -> list[Any]:
        """Return columns by which the order of what is read is total."""
        return [source.column(name) for source in self.sources for name in source.key]


class Author:
    """Whoever writes a shape: chooses, names, and notes what was used."""

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
        """Return what one of these ways makes; the others make nothing, which saves time."""
        return self.choose(ways)()

    def some(self, items: Sequence[T], most: int) -> list[T]:
        """Return at least one of them, in any order."""
        return self._random.sample(items, self._random.randint(1, min(most, len(items))))

    def happens(self, chance: float) -> bool:
        """Tell whether something of this chance happens."""
        return self._random.random() < chance

    def number(self, low: int, high: int) -> int:
        """Return a number, both ends included."""
        return self._random.randint(low, high)

    def name(self, of: str) -> str:
        """Return a name that this shape has not used yet."""
        return f"{of}_{next(self._names)}"

    def note(self, what: str) -> None:
        """Note what was used."""
        self.used.append(what)

    def write(self, productions: "Productions", scope: Scope, *arguments: Any) -> Any:
        """Choose a production, and return what it makes."""
        production = self._random.choices(*productions.fitting(self.dialect, scope.depth > 0))[0]
        self.note(production.name)
        return production.make(self, scope, *arguments)


Make = Callable[..., Any]
MakeT = TypeVar("MakeT", bound=Make)


@dataclass(frozen=True)
class Production:
    """One way to write something."""

    make: Make
    weight: float
    only: str | None
    is_leaf: bool

    @property
    def name(self) -> str:
        """Return what it is called in a report."""
        return self.make.__name__.strip("_").replace("_", " ")


@dataclass
class Productions:
    """All ways to write something of one kind; other modules may add theirs."""

    is_start: bool = False
    """A shape begins with it, so that it is chosen at any depth."""
    _all: list[Production] = field(default_factory=list)
    _chosen: dict[tuple[str, bool], tuple[list[Production], list[float]]] = field(default_factory=dict)

    def __call__(self, weight: float = 1, *, only: str | None = None, leaf: bool = False) -> Callable[[MakeT], MakeT]:
        """Add the decorated function; `leaf` ends what is deep, `only` is the dialect that has it."""

        def add(make: MakeT) -> MakeT:
            self._all.append(Production(make, weight, only, leaf))
            return make

        return add

    def fitting(self, dialect: str, may_go_on: bool) -> tuple[list[Production], list[float]]:
        """Return what can be chosen, with its weights."""
        key = dialect, may_go_on
        if key not in self._chosen:
            fit = [p for p in self._all if p.only in (None, dialect) and (self.is_start or may_go_on or p.is_leaf)]
            self._chosen[key] = fit, [p.weight for p in fit]
        return self._chosen[key]

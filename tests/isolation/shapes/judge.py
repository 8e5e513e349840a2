"""The judge: a shape must have the same outcome in both worlds, and change no rows of other owners.

An outcome is a result, a refusal of layer 1, or an error. An outcome that is the same in both worlds does not depend on
the rows of other owners, so it tells mallory nothing about them.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite

from app.core.data.errors import DataError
from app.core.data.ownership.session import AppSession
from tests.isolation.shapes.shape import Shape
from tests.isolation.shapes.start import shape_of
from tests.isolation.shapes.worlds import Stored, World, Worlds

ANSWERED: Final = "answered"
REFUSED: Final = "refused"
FAILED: Final = "failed"

_PRIMED: Final = 8
"""One shape in this number runs for alice before mallory, so a cache that kept her owner would be found."""

_SHOWN: Final = 1000  # characters of a result

_postgres: Any = PGDialect_psycopg
_DIALECTS: Final[dict[str, Any]] = {"postgresql": _postgres(), "sqlite": SQLiteDialect_aiosqlite()}


class Outcome(NamedTuple):
    """The outcome of a shape in one world."""

    kind: str
    what: Any
    stored: Stored


@dataclass(frozen=True)
class Leak:
    """A shape that read or changed rows of other owners."""

    shape: Shape
    how: str
    sql: str

    def __str__(self) -> str:
        return f"shape {self.shape.number}: {self.how}\n  {', '.join(self.shape.used)}\n  {self.sql}"


@dataclass
class Report:
    """The outcomes of many shapes."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    leaks: list[Leak] = field(default_factory=list)

    def add(self, outcome: Outcome, leak: Leak | None) -> None:
        """Add the outcome of one shape."""
        self.outcomes[outcome.kind] += 1
        if outcome.kind == FAILED:
            self.failures[outcome.what] += 1
        if leak:
            self.leaks.append(leak)

    def share(self, kind: str) -> float:
        """Return the fraction of the shapes with this outcome."""
        return self.outcomes[kind] / self.outcomes.total()

    def __str__(self) -> str:
        shares = ", ".join(f"{kind} {self.share(kind):.1%}" for kind in (ANSWERED, REFUSED, FAILED))
        return f"{self.outcomes.total()} shapes: {shares}; {len(self.leaks)} leaks"


async def outcome_of(shape: Shape, world: World, session: AppSession) -> Outcome:
    """Run the shape in a world, and roll it back."""
    async with session:
        try:
            kind, what = ANSWERED, await shape.run(session)
        except Exception as error:  # any error, which must be the same in both worlds
            kind, what = _failure(error)
        session.expunge_all()
    return Outcome(kind, what, await world.settle())


def _failure(error: BaseException) -> tuple[str, Any]:
    causes = [error]
    while (cause := causes[-1].__cause__ or getattr(causes[-1], "orig", None)) is not None and cause not in causes:
        causes.append(cause)
    if any(isinstance(cause, DataError) for cause in causes):
        return REFUSED, None
    codes = (getattr(causes[-1], name, None) for name in ("sqlstate", "sqlite_errorname"))
    return FAILED, " ".join([type(error).__name__, type(causes[-1]).__name__, *(code for code in codes if code)])


async def judge(worlds: Worlds, numbers: Iterable[int]) -> Report:
    """Run the shapes of these numbers for mallory in both worlds."""
    report = Report()
    async for _ in _judged(worlds, numbers, report):
        pass
    return report


async def leaks(worlds: Worlds, numbers: Iterable[int]) -> AsyncIterator[Leak]:
    """Yield the leaks among the shapes of these numbers; the caller may stop at the first.

    Statements are compiled again, so a rule of the compiler can be removed before.
    """
    worlds.share_compiled()
    async for leak in _judged(worlds, numbers, Report()):
        if leak is not None:
            yield leak


async def _judged(worlds: Worlds, numbers: Iterable[int], report: Report) -> AsyncIterator[Leak | None]:
    for number in numbers:
        shape = shape_of(number, worlds.alone.dialect)
        if number % _PRIMED == 0:
            await outcome_of(shape, worlds.among_others, worlds.among_others.session("alice"))
        alone, among = [await outcome_of(shape, world, world.session()) for world in worlds[:2]]
        how = difference(alone, among, worlds)
        leak = Leak(shape, how, sql_of(shape, worlds.alone.dialect)) if how else None
        report.add(alone, leak)
        yield leak


def difference(alone: Outcome, among: Outcome, worlds: Worlds) -> str | None:
    """Return the difference that makes two outcomes a leak, or None."""
    if alone[:2] != among[:2]:
        return f"another answer\n  alone: {str(alone[:2])[:_SHOWN]}\n  among others: {str(among[:2])[:_SHOWN]}"
    if among.stored.theirs != worlds.among_others.before.theirs or alone.stored.theirs != worlds.alone.before.theirs:
        return "it changed or made rows of others"
    if alone.stored.mine != among.stored.mine:
        return "it left other rows of mallory's behind"
    return None


def sql_of(shape: Shape, dialect: str) -> str:
    """Return the SQL of a shape, without layer 1, where SQLAlchemy can write it."""
    if shape.statement is None:
        return "(it has no statement of its own)"
    try:
        return str(shape.statement.compile(dialect=_DIALECTS[dialect]))
    except Exception as error:  # for a message only
        return f"{shape.statement!r} ({error})"

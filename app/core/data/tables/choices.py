"""Choices: an `Enum` field is a text column, or with ranks a number column, with a CHECK constraint for its values."""

from collections.abc import Callable, Collection, Mapping
from enum import Enum
from itertools import pairwise
from typing import Any, Final, NamedTuple

import sqlalchemy
from sqlalchemy import CheckConstraint, MetaData, SmallInteger, String, Table, TypeDecorator, event
from sqlmodel import SQLModel

from app.core.data.tables.stored_types import StoredType

# Not PostgreSQL's ENUM: its type must exist before the column, all classes of one name share it, and no value can be
# removed from it. A CHECK constraint is the same on both databases, and a migration changes it like any other.
CHOICES: Final = "choices"
LONGEST: Final = 255  # the same for every choice, so that a longer value does not change the column
MAX_RANK: Final = 2**15 - 1

ChoiceValues = Collection[str] | Mapping[str, int]
"""The values of a choice; with ranks, a mapping from each value to its number."""


class Choices(NamedTuple):
    """The column of a CHECK constraint and the values that it allows."""

    column: str
    values: ChoiceValues


class Choice(TypeDecorator[Enum]):
    """A member of an `Enum`, stored as its value."""

    impl = String(LONGEST)
    cache_ok = True

    def __init__(self, kind: type[Enum]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else str(self.kind(value).value)

    def process_result_value(self, value: str | None, dialect: Any) -> Enum | None:
        return None if value is None else self.kind(value)


class RankedChoice(StoredType):
    """A member of an `Enum`, stored as its rank, so that the database sorts and compares by rank."""

    impl = SmallInteger
    cache_ok = True
    in_migrations = "sa.SmallInteger()"

    def __init__(self, kind: type[Enum], ranks: tuple[tuple[Enum, int], ...]) -> None:
        super().__init__()
        self.kind, self.ranks = kind, ranks

    def check(self, column: str) -> CheckConstraint:
        return choices_constraint(column, {str(member.value): rank for member, rank in self.ranks})

    @property
    def dumped(self) -> Any:
        return self.kind

    @property
    def python_type(self) -> type[Any]:
        return self.kind

    def parse(self, text: str) -> Enum:
        return self.kind(text)

    def literal(self, value: Any) -> int:
        return dict(self.ranks)[self.kind(value)]

    # Lookups in a dict, because these convert every value of a page: 0.03 µs each, a call of the Enum takes ten times.
    def bind_processor(self, dialect: Any) -> Callable[[Any], int | None]:
        numbers: dict[Any, int | None] = {None: None} | dict(self.ranks)
        numbers |= {member.value: rank for member, rank in self.ranks}
        return numbers.__getitem__

    def result_processor(self, dialect: Any, coltype: object) -> Callable[[Any], Enum | None]:
        members: dict[int | None, Enum | None] = {rank: member for member, rank in self.ranks}
        return (members | {None: None}).__getitem__


def ranked_choice(ranks: Mapping[Any, int] | None) -> dict[str, Any]:
    """Return the options of `Field` for these ranks; none without ranks, or if they are not of an Enum."""
    kind = type(next(iter(ranks or {}), None))
    return {"sa_type": RankedChoice(kind, tuple((ranks or {}).items()))} if issubclass(kind, Enum) else {}


def fault_of_ranks(kind: type[Enum], ranks: Mapping[Any, int]) -> str | None:
    """Return what is wrong with the ranks of an Enum; they begin at 0 and ascend in the order of its members."""
    if [*map(id, ranks)] != [*map(id, kind)]:  # a text equals a member of a StrEnum
        members = ", ".join(member.name for member in kind)
        return f"ranks must name every member of {kind.__name__} once, in its order: {members}"
    numbers = [*ranks.values()]
    if not all(type(rank) is int and 0 <= rank <= MAX_RANK for rank in numbers):
        return f"a rank is an integer from 0 to {MAX_RANK}"
    if any(before >= after for before, after in pairwise(numbers)):
        return f"the ranks of {kind.__name__} must ascend in the order of its members"
    return None


@event.listens_for(Table, "after_parent_attach")
def _replace_enum_types(table: Table, metadata: MetaData) -> None:
    # SQLModel gives the column of an Enum field the type ENUM.
    if metadata is not SQLModel.metadata:
        return
    for column in table.columns:
        kind = column.type.enum_class if isinstance(column.type, sqlalchemy.Enum) else None
        if kind is not None:
            column.type = Choice(kind)
            table.append_constraint(choices_constraint(column.name, [str(member.value) for member in kind]))


def choices_constraint(column: str, values: ChoiceValues) -> CheckConstraint:
    """Return the CHECK constraint that allows these values in a column."""
    rule = CheckConstraint(choices_sql(column, values), name=column)
    rule.info[CHOICES] = Choices(column, values if isinstance(values, Mapping) else tuple(values))
    return rule


def choices_sql(column: str, values: ChoiceValues) -> str:
    """Return the condition of that constraint as SQL."""
    if not isinstance(values, Mapping):
        return f'"{column}" IN ({", ".join(map(quoted_text, values))})'
    # The condition names the value of each rank, so that the comparison with the models sees when one gets another.
    cases = " ".join(f"WHEN {rank} THEN {quoted_text(value)}" for value, rank in values.items())
    return f'"{column}" IS NULL OR CASE "{column}" {cases} END IS NOT NULL'


def quoted_text(value: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + value.replace("'", "''") + "'"

"""Choices: a field whose type is an `Enum` is a text in the database, where a rule names the values that it may have.

A type of PostgreSQL's own would have to be made before its column, is shared by all classes of one name, and lets no
value go. As a text with a rule, it is the same on both databases, and a change of it is a migration like any other.
"""

from collections.abc import Collection
from enum import Enum
from typing import Any, Final, NamedTuple

import sqlalchemy
from sqlalchemy import CheckConstraint, MetaData, String, Table, TypeDecorator, event
from sqlmodel import SQLModel

CHOICES: Final = "choices"
LONGEST: Final = 255  # for all, so that a longer value changes no column


class Choices(NamedTuple):
    """What a rule is about."""

    column: str
    values: tuple[str, ...]


class Choice(TypeDecorator[Enum]):
    """A member of an `Enum`, stored as its value."""

    impl = String(LONGEST)
    cache_ok = True

    def __init__(self, kind: type[Enum]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        """Return the value of a member, or the value itself, if it is one of them."""
        return None if value is None else str(self.kind(value).value)

    def process_result_value(self, value: str | None, dialect: Any) -> Enum | None:
        """Return the member whose value it is."""
        return None if value is None else self.kind(value)


@event.listens_for(Table, "after_parent_attach")
def _choose(table: Table, metadata: MetaData) -> None:
    """Turn the enums of a model's table into choices: SQLModel makes PostgreSQL's own type of each."""
    if metadata is not SQLModel.metadata:
        return
    for column in table.columns:
        kind = column.type.enum_class if isinstance(column.type, sqlalchemy.Enum) else None
        if kind is not None:
            column.type = Choice(kind)
            table.append_constraint(choices_rule(column.name, [str(member.value) for member in kind]))


def choices_rule(column: str, values: Collection[str]) -> CheckConstraint:
    """Return the rule that a column has one of these values."""
    rule = CheckConstraint(choices_sql(column, values), name=column)
    rule.info[CHOICES] = Choices(column, tuple(values))
    return rule


def choices_sql(column: str, values: Collection[str]) -> str:
    """Return the same as SQL."""
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f'"{column}" IN ({quoted})'

"""Choices: an `Enum` field is a text column with a CHECK constraint that lists its values."""

from collections.abc import Collection
from enum import Enum
from typing import Any, Final, NamedTuple

import sqlalchemy
from sqlalchemy import CheckConstraint, MetaData, String, Table, TypeDecorator, event
from sqlmodel import SQLModel

# Not PostgreSQL's ENUM: its type must exist before the column, all classes of one name share it, and no value can be
# removed from it. A CHECK constraint is the same on both databases, and a migration changes it like any other.
CHOICES: Final = "choices"
LONGEST: Final = 255  # the same for every choice, so that a longer value does not change the column


class Choices(NamedTuple):
    """The column of a CHECK constraint and the values that it allows."""

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
        return None if value is None else str(self.kind(value).value)

    def process_result_value(self, value: str | None, dialect: Any) -> Enum | None:
        return None if value is None else self.kind(value)


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


def choices_constraint(column: str, values: Collection[str]) -> CheckConstraint:
    """Return the CHECK constraint that allows these values in a column."""
    rule = CheckConstraint(choices_sql(column, values), name=column)
    rule.info[CHOICES] = Choices(column, tuple(values))
    return rule


def choices_sql(column: str, values: Collection[str]) -> str:
    """Return the condition of that constraint as SQL."""
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f'"{column}" IN ({quoted})'

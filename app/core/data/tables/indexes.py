"""Indexes: the entries of `__indexes__`, and the foreign key and index of a reference."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ForeignKeyConstraint, Index, Table, UniqueConstraint
from sqlalchemy.schema import SchemaItem

from app.core.data.tables.declarations import OnDelete

OWNER_COLUMN: Final = "user_id"
ON_DELETE: Final = "on_delete"


@dataclass(frozen=True)
class OwnerIndex:
    """An index or a unique constraint on columns, for the rows of each owner."""

    columns: tuple[str, ...]
    is_unique: bool
    is_one_per_owner: bool = False
    is_folded: bool = False

    @property
    def call(self) -> str:
        """The call that declares it."""
        if self.is_one_per_owner:
            return "one_per_owner()"
        folded = ", folded=True" if self.is_folded else ""
        return f"{'unique' if self.is_unique else 'index'}({', '.join(map(repr, self.columns))}{folded})"

    def schema_item(self, folds: Mapping[str, str]) -> SchemaItem:
        """Return the constraint or index; `folds` has the fold of each text."""
        names = [folds.get(name, name) if self.is_folded else name for name in self.columns]
        columns = (OWNER_COLUMN, *names)  # the owner first, because every query filters by it
        return UniqueConstraint(*columns) if self.is_unique else Index(None, *columns)


def index(*columns: str) -> OwnerIndex:
    """Declare an index, which finds or sorts the rows of one owner by these columns."""
    return OwnerIndex(columns, is_unique=False)


def unique(*columns: str, folded: bool = False) -> OwnerIndex:
    """Declare a unique constraint: no two rows of one owner have the same values in these columns.

    With `folded`, texts that differ only in case and accents are the same.
    """
    return OwnerIndex(columns, is_unique=True, is_folded=folded)


def one_per_owner() -> OwnerIndex:
    """Declare that an owner has at most one row of the table, like a profile."""
    return OwnerIndex((), is_unique=True, is_one_per_owner=True)


def is_one_per_owner(table: Table) -> bool:
    """Return whether an owner has at most one row of a table."""
    return any(is_owner_alone(each) for each in table.constraints)


def is_owner_alone(constraint: object) -> bool:
    """Return whether a constraint is that of `one_per_owner()`."""
    return isinstance(constraint, UniqueConstraint) and constraint.columns.keys() == [OWNER_COLUMN]


def reference(column: str, table: str, *, on_delete: OnDelete) -> tuple[SchemaItem, ...]:
    """Return the foreign key of a reference to an owned table, and its index."""
    # The owner is part of the key, so a row can only refer to a row of the same owner, also in raw SQL of a superuser.
    columns = [OWNER_COLUMN, column]
    target = [f"{table}.{OWNER_COLUMN}", f"{table}.id"]
    # For "set null" a trigger clears the column: ON DELETE SET NULL would clear the owner too, and SQLite cannot name
    # columns there.
    key = ForeignKeyConstraint(columns, target, ondelete="CASCADE" if on_delete == "cascade" else None)
    key.info[ON_DELETE] = on_delete
    return key, Index(None, *columns)

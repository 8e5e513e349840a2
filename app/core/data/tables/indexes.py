"""Indexes: what a noun's `__indexes__` holds, and the key and index that a reference has."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.schema import SchemaItem

from app.core.data.tables.declarations import OnDelete

OWNER_COLUMN: Final = "user_id"
ON_DELETE: Final = "on_delete"


@dataclass(frozen=True)
class OwnerIndex:
    """An index over columns, or a rule that they are unique, for the rows of each owner."""

    columns: tuple[str, ...]
    is_unique: bool

    def schema_item(self) -> SchemaItem:
        """Return it as SQLAlchemy has it, with the owner first, by whom every query asks."""
        columns = (OWNER_COLUMN, *self.columns)
        return UniqueConstraint(*columns) if self.is_unique else Index(None, *columns)


def index(*columns: str) -> OwnerIndex:
    """Declare an index, by which the rows of one owner are found or sorted by these columns."""
    return OwnerIndex(columns, is_unique=False)


def unique(*columns: str) -> OwnerIndex:
    """Declare that no two rows of one owner have the same values in these columns."""
    return OwnerIndex(columns, is_unique=True)


def reference(column: str, table: str, *, on_delete: OnDelete) -> tuple[SchemaItem, ...]:
    """Return the key by which rows refer to rows of another owned table, and its index.

    The owner is part of it, so that a row can only refer to a row of the same owner: not even a superuser with raw SQL
    can store another.
    """
    columns = [OWNER_COLUMN, column]
    target = [f"{table}.{OWNER_COLUMN}", f"{table}.id"]
    # ON DELETE SET NULL would clear the owner as well (and SQLite cannot name columns there), so a trigger clears.
    key = ForeignKeyConstraint(columns, target, ondelete="CASCADE" if on_delete == "cascade" else None)
    key.info[ON_DELETE] = on_delete
    return key, Index(None, *columns)

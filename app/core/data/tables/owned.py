"""The mixin that makes a table's rows belong to users, and the list of all tables that use it."""

from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from sqlalchemy import ForeignKeyConstraint, FromClause, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapper, declared_attr
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from app.core.data.tables import choices as choices  # noqa: PLC0414  # it makes choices of the models' enums
from app.core.data.tables.fields import BigIntKey

OWNER_COLUMN: Final = "user_id"
ON_DELETE: Final = "on_delete"

OnDelete = Literal["set null", "cascade", "restrict"]

SQLModel.metadata.naming_convention = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class Owned(SQLModel):
    """The mixin of every table whose rows belong to a user.

    UNIQUE (user_id, id) is the access path of every query, what composite foreign keys point at, and on PostgreSQL the
    only key (see `protections.py`); to the mapper the id is enough. `user_id` is the mapper's version column: a flush
    notices that it has changed or deleted nothing, because the row is not the owner's.
    """

    id: int | None = Field(
        default=None,
        primary_key=True,
        sa_type=BigIntKey,
        sa_column_args=[Identity()],
        description="The number by which its URL names it, given by the server.",
        schema_extra={"examples": [1]},
    )
    user_id: str = Field(
        max_length=255,
        description="Whose it is: the `sub` of the token that created it.",
        schema_extra={"examples": ["alice"]},
    )

    if TYPE_CHECKING:  # what SQLAlchemy adds, said to the type checker
        __table__: ClassVar[FromClause]
        __mapper__: ClassVar[Mapper[Any]]
    else:

        @declared_attr.directive
        def __table_args__(cls) -> tuple[Any, ...]:  # noqa: N805
            return owned_table()

        @declared_attr.directive
        def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805
            return owned_mapper(cls)


def owned_mapper(model: type[Owned]) -> dict[str, Any]:
    """Return the `__mapper_args__` of an owned class, for one that has more."""
    # eager_defaults: an UPDATE returns the time of the change, which could not be loaded later without `await`
    owner = {"version_id_col": model.__table__.c[OWNER_COLUMN], "version_id_generator": False}
    return owner | {"eager_defaults": True}


def owned_table(*parts: SchemaItem | tuple[SchemaItem, ...]) -> tuple[Any, ...]:
    """Return the `__table_args__` of an owned table that has more: references, constraints, indexes.

    `owned_table(reference("shelf_id", "shelves", on_delete="restrict"), UniqueConstraint("user_id", "isbn"))`
    """
    # A constraint is iterable, and empty until it belongs to a table.
    items = [item for part in parts for item in (part if isinstance(part, tuple) else (part,))]
    # Without AUTOINCREMENT, SQLite would give a deleted row's id to the next one.
    return UniqueConstraint(OWNER_COLUMN, "id"), *items, {"sqlite_autoincrement": True}


def reference(
    column: str, table: str, *, on_delete: OnDelete
) -> tuple[SchemaItem, ...]:
    """Return the key by which rows refer to rows of another owned table, and its index.

    The owner is part of it, so that a row can only refer to a row of the same owner: not even a superuser with raw SQL
    can store another. When the row that is referred to is deleted, the reference is cleared, the row is deleted too, or
    the deletion is refused.
    """
    columns = [OWNER_COLUMN, column]
    target = [f"{table}.{OWNER_COLUMN}", f"{table}.id"]
    # ON DELETE SET NULL would clear the owner as well (and SQLite cannot name columns there), so a trigger clears.
    key = ForeignKeyConstraint(columns, target, ondelete="CASCADE" if on_delete == "cascade" else None)
    key.info[ON_DELETE] = on_delete
    return key, Index(None, *columns)

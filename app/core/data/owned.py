"""The mixin that makes a table's rows belong to users, and the list of all tables that use it."""

from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import FromClause, Identity, UniqueConstraint
from sqlalchemy.orm import Mapper, declared_attr
from sqlmodel import Field, SQLModel

from app.core.data.fields import BigIntKey

OWNER_COLUMN = "user_id"

SQLModel.metadata.naming_convention = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class Owned(SQLModel):
    """The mixin of every table whose rows belong to a user.

    UNIQUE (user_id, id) is the access path of every query, and what composite foreign keys point at. As the mapper's
    version column, `user_id` goes into the WHERE of every UPDATE and DELETE that a flush writes, so the unit of work
    cannot reach another owner's row either, not even with a forged object.
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
            # Without AUTOINCREMENT, SQLite would give a deleted row's id to the next one.
            return UniqueConstraint(OWNER_COLUMN, "id"), {"sqlite_autoincrement": True}

        @declared_attr.directive
        def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805
            return {"version_id_col": cls.__table__.c[OWNER_COLUMN], "version_id_generator": False}


def owned_models() -> tuple[type[Owned], ...]:
    """Return every mapped owned table, in the order of their names."""
    classes = (mapper.class_ for mapper in SQLModel._sa_registry.mappers)
    return tuple(sorted((c for c in classes if issubclass(c, Owned)), key=lambda model: model.__name__))

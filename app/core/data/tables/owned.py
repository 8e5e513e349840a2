"""The mixin `Owned`: each row of its table belongs to a user."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic.fields import FieldInfo
from sqlalchemy import FromClause, Identity, UniqueConstraint
from sqlalchemy.orm import Mapper, declared_attr
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel
from sqlmodel.main import get_column_from_field

from app.core.data.errors import InvalidDeclaration
from app.core.data.tables import choices as choices  # noqa: PLC0414  # listens to new tables
from app.core.data.tables.declarations import Fields, declaration_of, is_optional
from app.core.data.tables.field_types import BigIntKey
from app.core.data.tables.index_sizes import faults_of_size
from app.core.data.tables.indexes import OWNER_COLUMN, OwnerIndex, reference
from app.core.data.tables.queryable import (
    HIDDEN,
    faults_of_folds,
    folds_of,
    indexes_of,
    queryable_faults,
    queryable_items,
)
from app.core.data.tables.stamps import stamps_of

__all__ = ["OWNER_COLUMN", "Owned", "owned_mapper_args", "owned_table_args"]

SQLModel.metadata.naming_convention = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class Owned(Fields):
    """The mixin of every table whose rows belong to a user.

    A table lists it last, `class Task(Timestamped, TaskFields, Owned, table=True)`: the fields of the last base come
    first. `__indexes__` holds `index()`, `unique()` and other constraints of SQLAlchemy. `__sortable__` and
    `__searchable__` name the fields by which clients may sort, and the texts that a search reads.
    """

    # UNIQUE (user_id, id) is the access path of every query, the target of composite foreign keys, and on PostgreSQL
    # the only key (see `schema/protections.py`). The mapper's primary key is the id alone. `user_id` is the mapper's
    # version column: a flush fails if it changes or deletes no row, because the row belongs to another owner.
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

    __indexes__: ClassVar[tuple[OwnerIndex | SchemaItem, ...]] = ()
    __sortable__: ClassVar[tuple[str, ...]] = ()
    __searchable__: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for fault in _faults_of(cls):
            raise InvalidDeclaration(f"{cls.__name__}.{fault}.")

    if TYPE_CHECKING:  # SQLAlchemy adds these
        __table__: ClassVar[FromClause]
        __mapper__: ClassVar[Mapper[Any]]
    else:

        @declared_attr.directive
        def __table_args__(cls) -> tuple[Any, ...]:  # noqa: N805
            return owned_table_args(*_schema_items_of(cls))

        @declared_attr.directive
        def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805
            return owned_mapper_args(cls)


def owned_mapper_args(model: type[Owned]) -> dict[str, Any]:
    """Return the `__mapper_args__` of an owned class, for a class that adds others."""
    # eager_defaults: an UPDATE returns the time of the change, because a later load would need an `await`.
    columns = model.__table__.c
    owner = {"version_id_col": columns[OWNER_COLUMN], "version_id_generator": False}
    # The compiler sets hidden columns, so an entity never reads them.
    hidden = [column.key for column in columns if HIDDEN in column.info]
    return owner | {"eager_defaults": True, "exclude_properties": hidden}


def owned_table_args(*items: SchemaItem) -> tuple[Any, ...]:
    """Return the `__table_args__` of an owned table with these constraints and indexes."""
    # Without AUTOINCREMENT, SQLite would give the id of a deleted row to a new row.
    return UniqueConstraint(OWNER_COLUMN, "id"), *items, {"sqlite_autoincrement": True}


def _schema_items_of(model: type[Owned]) -> Iterator[SchemaItem]:
    yield from queryable_items(model)
    folds = folds_of(model)
    for entry in indexes_of(model):
        yield entry.schema_item(folds) if isinstance(entry, OwnerIndex) else entry
    for name, field in model.model_fields.items():
        if (declared := declaration_of(field)) and (target := declared.target):
            yield from reference(name, target.table, on_delete=target.on_delete)


def _faults_of(model: type[Owned]) -> Iterator[str]:
    for base in model.__mro__:
        if "__table_args__" in vars(base) and base is not Owned:
            yield "__table_args__ replaces the constraints of Owned; put indexes and constraints into __indexes__"
        if not isinstance(vars(base).get("__indexes__", ()), tuple | list):
            yield "__indexes__ is not a tuple; write (index(...),) with a comma"
            return
        if base is not Owned and (
            hidden := sorted({"id", OWNER_COLUMN} & vars(base).get("__annotations__", {}).keys())
        ):
            yield f"{hidden[0]}: Owned has a field of this name; choose another"
    for name, field in model.model_fields.items():
        yield from (f"{name}: {fault}" for fault in _faults_of_column(model, name, field))
    if "__tablename__" not in vars(model):  # a mixin: its indexes can name fields of the table that uses it
        return
    yield from queryable_faults(model)
    yield from _faults_of_stamps(model)
    yield from faults_of_folds(model)
    entries = indexes_of(model)
    for place, entry in enumerate(entries):
        yield from (f"__indexes__: {fault}" for fault in _faults_of_index(model, entry))
        if isinstance(entry, OwnerIndex) and entry in entries[:place]:
            yield f"__indexes__: {entry.call} is there twice; remove one"


def _faults_of_column(model: type[Owned], name: str, field: FieldInfo) -> Iterator[str]:
    declaring = next(base for base in model.__mro__ if name in vars(base).get("__annotations__", ()))
    if declaration_of(field) and not issubclass(declaring, Fields):
        yield f"derive {declaring.__name__} from Fields, so that an optional field has the default None"
    try:
        get_column_from_field(field)
    except (TypeError, ValueError):
        yield f"no column type fits {field.annotation}; declare an Enum with choice(), or write Field(sa_type=...)"


def _faults_of_stamps(model: type[Owned]) -> Iterator[str]:
    fields = model.model_fields
    for name, flag in stamps_of(model).items():
        followed = declaration_of(fields[flag]) if flag in fields else None
        if not followed or followed.function != "flag":
            yield f"{name}: {flag!r} is not a flag() of the class; name the flag that it follows"
        if list(fields).index(name) < list(fields).index(flag):
            yield f"{name}: declare it after {flag}, which it follows"
        if name not in vars(model).get("__annotations__", ()):
            yield f"{name}: declare it on {model.__name__} itself, or clients could send it"
        if not is_optional(fields[name]):
            yield f"{name}: it is null while {flag} is false; annotate it as Instant | None"


def _faults_of_index(model: type[Owned], entry: object) -> Iterator[str]:
    if not isinstance(entry, OwnerIndex | SchemaItem):
        yield f"{entry!r} is not an index; write index({entry!r}) or unique({entry!r})"
    elif isinstance(entry, OwnerIndex):
        call = "unique" if entry.is_unique else "index"
        if not entry.columns and not entry.is_one_per_owner:
            yield f"{call}() names no field; name at least one"
        for name in entry.columns:
            if name not in model.model_fields:
                yield f"{call}({name!r}) names no field of the class; its fields are {', '.join(model.model_fields)}"
            if name == OWNER_COLUMN:
                yield f"{call}({name!r}) names the owner, which is part of every index; leave it out"
        sizes = faults_of_size(model, entry.columns, is_folded=entry.is_folded)
        yield from (f"{entry.call}: {fault}" for fault in sizes)

"""Violations: the violated constraint and its columns, so that an error can name the fields."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Self

from sqlalchemy import ForeignKeyConstraint, Index, Insert, Table, UniqueConstraint, Update
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.schema import Constraint
from sqlmodel import SQLModel

from app.core.data.connection.compiled import Statement, Values
from app.core.data.connection.failures import Failure, classify
from app.core.data.sql.statements import NEW_PREFIX
from app.core.data.tables.indexes import is_owner_alone
from app.core.data.tables.links import Link, links_of
from app.core.data.tables.owned import OWNER_COLUMN, Owned
from app.core.data.tables.queryable import HIDDEN
from app.core.data.tables.references import Reference, references_of
from app.core.data.tables.registry import owned_models, table_of
from app.core.data.tables.row_ids import link_column

# Truncates a long constraint name in the same way as the migration that created it.
_preparer: Final = postgresql.dialect().identifier_preparer  # type: ignore[no-untyped-call]
_UNIQUE: Final = "UNIQUE constraint failed: "


# PostgreSQL names the violated constraint, SQLite the columns of a unique constraint. SQLite does not name a foreign
# key, so the session checks which referenced row is missing.
class ReferenceNotFound(IntegrityError):
    """SQLite's error for a violated foreign key, with the columns."""

    columns: tuple[str, ...] = ()

    @classmethod
    def with_columns(cls, error: IntegrityError, columns: Iterable[str]) -> Self:
        explained = cls(error.statement, None, error.orig, hide_parameters=True)  # type: ignore[arg-type]
        explained.columns = tuple(columns)
        return explained


def violated_columns(error: SQLAlchemyError) -> tuple[str, ...]:
    """Return the columns of the violated constraint, without the owner column; empty if they are unknown."""
    columns = error.columns if isinstance(error, ReferenceNotFound) else _columns_in(getattr(error, "orig", None))
    return tuple(column for column in columns if column != OWNER_COLUMN)


def unique_constraints(model: type[Owned]) -> tuple[tuple[str, ...], ...]:
    """Return the columns of each unique constraint and unique index of a model, without the owner column."""
    # An index on an expression has no columns. The constraints on ids, which clients do not choose, and on the owner
    # alone are omitted.
    table = table_of(model)
    unique = [c for c in _constraints_of([table]) if isinstance(c, UniqueConstraint) or getattr(c, "unique", False)]
    unique = [constraint for constraint in unique if not is_owner_alone(constraint)]
    columns = (tuple(name for name in _fields_of(each.columns) if name != OWNER_COLUMN) for each in unique)
    return tuple(sorted(names for names in columns if names != ("id",)))


def violates_one_per_owner(error: SQLAlchemyError) -> bool:
    """Return whether the owner has the only row already that `one_per_owner()` allows."""
    cause: Any = getattr(error, "orig", None)
    if (diag := getattr(cause, "diag", None)) is None:
        return str(cause).startswith(_UNIQUE) and str(cause).endswith(f".{OWNER_COLUMN}") and "," not in str(cause)
    table = SQLModel.metadata.tables.get(diag.table_name or "")
    rules = () if table is None else table.constraints
    return any(is_owner_alone(rule) and _name_of(rule) == diag.constraint_name for rule in rules)


def violated_constraint(error: SQLAlchemyError) -> str:
    """Return the type, table and constraint of the violation, without values, which are users' data."""
    cause: Any = getattr(error, "orig", None)
    if (diag := getattr(cause, "diag", None)) is None:
        return str(cause)  # SQLite's message has no values: "NOT NULL constraint failed: tasks.title"
    place = ".".join(filter(None, (diag.table_name, diag.constraint_name or diag.column_name)))
    return " ".join(filter(None, (type(cause).__name__, place)))


class SuspectedReference(NamedTuple):
    """A column that a statement sets, and the ids of rows that it refers to."""

    column: str
    model: type[Owned]
    ids: Sequence[int]


def suspected_references(error: IntegrityError, statement: Statement, values: Values) -> list[SuspectedReference]:
    """Return the references that the statement sets, if SQLite reports a violated foreign key."""
    if (
        classify(error) is not Failure.REFERENCE
        or violated_columns(error)
        or not isinstance(statement, Insert | Update)
    ):
        return []
    models = [model for model in owned_models() if model.__table__ is statement.table]
    references: list[Reference | Link] = [each for model in models for each in references_of(model)]
    references += [each for model in models for each in links_of(model)]
    found = ((each, values.get(each.column, values.get(f"{NEW_PREFIX}{each.column}"))) for each in references)
    return [
        SuspectedReference(each.column, each.model, value if isinstance(value, list) else [value])
        for each, value in found
        if value is not None
    ]


def _columns_in(error: Any) -> Iterable[str]:
    tables = SQLModel.metadata.tables
    if (diag := getattr(error, "diag", None)) is not None:
        return _columns_of(diag.constraint_name, [tables[diag.table_name]] if diag.table_name in tables else [])
    names = str(error).rpartition(_UNIQUE)[2]  # shelves.user_id, shelves.name
    if names.startswith("index "):
        return _columns_of(names.removeprefix("index ").strip("'"), tables.values())
    pairs = (name.partition(".") for name in names.split(", "))
    found = [tables[table].c[column] for table, _, column in pairs if table in tables and column in tables[table].c]
    return _fields_of(found)


def _columns_of(name: str | None, tables: Iterable[Table]) -> Iterable[str]:
    found = next((each for each in _constraints_of(tables) if _name_of(each) == name), None)
    # A client knows the list of a row, not its link table.
    column = link_column(found) if isinstance(found, ForeignKeyConstraint) else None
    return [column] if column else [] if found is None else _fields_of(found.columns)


def _fields_of(columns: Iterable[Any]) -> list[str]:
    # A fold stands for its text.
    return [column.info.get(HIDDEN, column.key) for column in columns]


def _constraints_of(tables: Iterable[Table]) -> Iterator[Any]:
    for table in tables:
        yield from (*table.constraints, *table.indexes)


def _name_of(constraint: Constraint | Index) -> str | None:
    return _preparer.format_constraint(constraint, _alembic_quote=False)

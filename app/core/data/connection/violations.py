"""Refusals: which columns the database's refusal of a statement is about, so that a client can be told the fields.

PostgreSQL names the constraint, and SQLite the columns that have to be unique; both are looked up among the tables of
the models. SQLite names no foreign key: there the session looks, after the failure, which row is missing.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, Self

from sqlalchemy import Index, Insert, Table, UniqueConstraint, Update
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.schema import Constraint
from sqlmodel import SQLModel

from app.core.data.connection.compiled import Statement, Values
from app.core.data.connection.failures import Failure, classify
from app.core.data.sql.statements import NEW
from app.core.data.tables.owned import OWNER_COLUMN, Owned
from app.core.data.tables.references import Reference, references_of
from app.core.data.tables.registry import owned_models, table_of

# It cuts a long name as it was cut when the table was made.
_preparer: Final = postgresql.dialect().identifier_preparer  # type: ignore[no-untyped-call]


class ReferenceNotFound(IntegrityError):
    """What SQLite says of a reference to no row, with the columns that it leaves out."""

    columns: tuple[str, ...] = ()

    @classmethod
    def explaining(cls, error: IntegrityError, columns: Iterable[str]) -> Self:
        """Return the error with the columns."""
        explained = cls(error.statement, None, error.orig, hide_parameters=True)  # type: ignore[arg-type]
        explained.columns = tuple(columns)
        return explained


def violated_columns(error: SQLAlchemyError) -> tuple[str, ...]:
    """Return the columns that the refusal is about, without the owner's; none where nobody can tell."""
    columns = error.columns if isinstance(error, ReferenceNotFound) else _columns_in(getattr(error, "orig", None))
    return tuple(column for column in columns if column != OWNER_COLUMN)


def unique_rules(model: type[Owned]) -> tuple[tuple[str, ...], ...]:
    """Return the columns, without the owner's, of each rule by which rows of an owner's, or of all, have to differ.

    A rule about what is no column has none. That ids differ is no rule: clients do not choose them.
    """
    table = table_of(model)
    rules = [
        rule
        for rule in _constraints_of([table])
        if isinstance(rule, UniqueConstraint) or getattr(rule, "unique", False)
    ]
    columns = (tuple(column for column in rule.columns.keys() if column != OWNER_COLUMN) for rule in rules)  # noqa: SIM118  # it is no dict
    return tuple(sorted(found for found in columns if found != ("id",)))


def violated_rule(error: SQLAlchemyError) -> str:
    """Return the rule that the database names, with its table, and without the row, which holds what users wrote."""
    cause: Any = getattr(error, "orig", None)
    if (diag := getattr(cause, "diag", None)) is None:
        return str(cause)  # SQLite says no more than "NOT NULL constraint failed: tasks.title"
    place = ".".join(filter(None, (diag.table_name, diag.constraint_name or diag.column_name)))
    return " ".join(filter(None, (type(cause).__name__, place)))


def suspected_references(error: IntegrityError, statement: Statement, values: Values) -> list[tuple[Reference, int]]:
    """Return the references that were given an id, one of which the database refuses without saying which."""
    if (
        classify(error) is not Failure.REFERENCE
        or violated_columns(error)
        or not isinstance(statement, Insert | Update)
    ):
        return []
    models = (model for model in owned_models() if model.__table__ is statement.table)
    references = (reference for model in models for reference in references_of(model))
    given = ((each, values.get(each.column, values.get(f"{NEW}{each.column}"))) for each in references)
    return [(reference, row_id) for reference, row_id in given if row_id is not None]


def _columns_in(error: Any) -> Iterable[str]:
    tables = SQLModel.metadata.tables
    if (diag := getattr(error, "diag", None)) is not None:
        return _columns_of(diag.constraint_name, [tables[diag.table_name]] if diag.table_name in tables else [])
    names = str(error).rpartition("UNIQUE constraint failed: ")[2]  # shelves.user_id, shelves.name
    if names.startswith("index "):
        return _columns_of(names.removeprefix("index ").strip("'"), tables.values())
    named = (name.partition(".") for name in names.split(", "))
    return [column for table, _, column in named if table in tables and column in tables[table].c]


def _columns_of(name: str | None, tables: Iterable[Table]) -> Iterable[str]:
    return next((part.columns.keys() for part in _constraints_of(tables) if _name_of(part) == name), ())


def _constraints_of(tables: Iterable[Table]) -> Iterator[Any]:
    for table in tables:
        yield from (*table.constraints, *table.indexes)


def _name_of(rule: Constraint | Index) -> str | None:
    return _preparer.format_constraint(rule, _alembic_quote=False)

"""Changes: the new values that a noun declares for some columns of a row, checked when they are declared."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Final, NamedTuple, cast

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import to_json
from sqlalchemy import BindParameter, ColumnElement
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import NullType

from app.core.data.errors import InvalidDeclaration, OwnershipError
from app.core.data.sql.dialects import PostgresDialect, SqliteDialect, scoped_dialect
from app.core.data.sql.statements import Expressions, update_of
from app.core.data.tables.declarations import Declaration
from app.core.data.tables.field_types import Timestamped
from app.core.data.tables.owned import Owned
from app.core.data.tables.queryable import fold_of
from app.core.data.tables.registry import table_of
from app.core.data.tables.stamps import stamps_of

DeclaredChanges = Mapping[str, Any] | Callable[[Any], Mapping[str, Any]]
"""The new values by field, or a function of the table's class that returns them."""

_SET_BY_SERVER: Final = frozenset({*Owned.model_fields, *Timestamped.model_fields})
_DIALECTS: Final = (scoped_dialect(SqliteDialect()), scoped_dialect(PostgresDialect()))  # type: ignore[no-untyped-call]


class Changes(NamedTuple):
    """New values for some columns of a row: fixed ones, and those that the database computes from the row."""

    values: Mapping[str, Any]
    expressions: Expressions = ()

    @property
    def fields(self) -> frozenset[str]:
        return frozenset((*self.values, *dict(self.expressions)))

    def were_made_in(self, row: Any) -> bool:
        # A change that was already made succeeds (RFC 9110, 13.1.1); of an expression only the database could tell.
        return not self.expressions and all(getattr(row, name) == value for name, value in self.values.items())


def changes_of(model: type[Owned], declared: DeclaredChanges, where: str) -> Changes:
    """Return declared changes of the rows of a table.

    Raises:
        InvalidDeclaration: they break a rule of the table or of a field; the message begins with `where`.
    """
    new = declared(model) if callable(declared) else declared
    computed = {name: _expression_in(value) for name, value in new.items()}
    for fault in (*_faults_of_names(model, new), *_faults_of_expressions(model, computed)):
        raise InvalidDeclaration(f"{where} {fault}.")
    fixed = {
        name: _valid(model.model_fields[name], value, f"{where} gives {name!r}")
        for name, value in new.items()
        if computed[name] is None
    }
    changes = Changes(fixed, tuple((name, each) for name, each in sorted(computed.items()) if each is not None))
    _compile(model, changes, where)
    return changes


def _expression_in(value: object) -> ColumnElement[Any] | None:
    # A mapped attribute is no ColumnElement, but has one.
    found = value.__clause_element__() if hasattr(value, "__clause_element__") else value
    return found if isinstance(found, ColumnElement) else None


def _faults_of_names(model: type[Owned], new: Mapping[str, Any]) -> Iterator[str]:
    if not new:
        yield 'changes nothing; name a field and its new value, such as {"completed": True}'
    set_by_server = {*_SET_BY_SERVER, *stamps_of(model)}
    for name in new:
        if name not in model.model_fields:
            fields = ", ".join(each for each in model.model_fields if each not in set_by_server)
            yield f"changes {name!r}, which is no field of {model.__name__}; its fields are {fields}"
        elif name in set_by_server:
            yield f"changes {name!r}, which only the server sets; leave it out"


def _faults_of_expressions(model: type[Owned], computed: Mapping[str, ColumnElement[Any] | None]) -> Iterator[str]:
    table = table_of(model)
    for name, expression in computed.items():
        if expression is None:
            continue
        kinds = (expression.type._type_affinity, table.c[name].type._type_affinity)
        if others := sorted(str(each) for each in expression._from_objects if each._deannotate() is not table):
            yield f"reads {others[0]} for {name!r}; write a scalar_subquery(), because an UPDATE changes one table"
        elif kinds[0] not in {NullType, kinds[1]}:
            yield f"gives {name!r} an expression of type {expression.type!r}; cast it to {table.c[name].type!r}"
        elif any(isinstance(part, BindParameter) and not _is_bound(part) for part in iterate(expression)):
            yield f"computes {name!r} with a list, or without a value for a parameter; compare with == and or_()"
        elif fold_of(table, name) is not None:
            yield f"computes {name!r}, whose text for sort and search cannot follow; give it a fixed value"


def _is_bound(parameter: BindParameter[Any]) -> bool:
    # The statement is compiled once, so each parameter has one value, and the length of a list is not known.
    return parameter.value is not None and not parameter.expanding


def _valid(field: FieldInfo, value: Any, where: str) -> Any:
    if isinstance(value, date):
        raise InvalidDeclaration(f"{where} the time at which the process started; write now(), or func.current_date().")
    rules = [rule for rule in field.metadata if not isinstance(rule, Declaration)] or [None]
    valid = TypeAdapter[Any](cast("Any", Annotated[(field.annotation, *rules)]), config={"strict": True})
    try:
        return valid.validate_json(to_json(value))  # as a client sends it
    except ValueError as error:  # also from `to_json`
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "it is no JSON value"
        raise InvalidDeclaration(f"{where} {value!r}, which is invalid: {reason}.") from None


def _compile(model: type[Owned], changes: Changes, where: str) -> None:
    statement = update_of(model, frozenset(changes.values), changes.expressions, at_version=False)
    try:
        for dialect in _DIALECTS:
            statement.compile(dialect=dialect)
    except (OwnershipError, SQLAlchemyError) as error:
        raise InvalidDeclaration(f"{where} is no SQL for this table: {error}") from error

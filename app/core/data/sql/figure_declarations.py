"""Declared figures, which are checked when the class of their controller is made."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, Final

from sqlalchemy import BindParameter, Boolean, Column, ColumnElement, Integer, Text, TypeDecorator
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import NullType

from app.core.data.errors import OwnershipError
from app.core.data.sql.conditions import Expression
from app.core.data.sql.dialects import PostgresDialect, SqliteDialect, scoped_dialect
from app.core.data.sql.figures import Figure, FiguresShape, condition_of, figures_of
from app.core.data.sql.operators import operators_of, stored_type
from app.core.data.tables.decimals import ScaledDecimal
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import columns_by_name, table_of

_DIALECTS: Final = (scoped_dialect(SqliteDialect()), scoped_dialect(PostgresDialect()))  # type: ignore[no-untyped-call]


def count(description: str, condition: Expression | None = None) -> Figure:
    """Declare the number of rows, or of those for which a condition is true: `lambda task: ~task.completed`."""
    return Figure("count", description, condition=condition)


def sum_of(field: str, description: str, condition: Expression | None = None) -> Figure:
    """Declare the exact sum of an integer or a decimal; 0 without rows. JSON has decimals as strings."""
    return Figure("sum", description, field, condition)


def min_of(field: str, description: str, condition: Expression | None = None) -> Figure:
    """Declare the least value of a number, a time, a date or a choice with ranks; null without values."""
    return Figure("min", description, field, condition)


def max_of(field: str, description: str, condition: Expression | None = None) -> Figure:
    """Declare the greatest value; as `min_of`."""
    return Figure("max", description, field, condition)


def faults_of_figures(model: type[Owned], figures: Mapping[str, Any], group_by: Any) -> Iterator[str]:
    """Yield the mistakes in declared figures of a table, as the ends of sentences."""
    if not figures:
        yield 'has no figure; write figures(total=count("All rows."))'
    for name, figure in figures.items():
        if not isinstance(figure, Figure):
            yield f"gives {name!r} {figure!r}, which is no figure; write count(), sum_of(), min_of() or max_of()"
            return
        yield from (f"gives {name!r} {fault}" for fault in _faults_of_figure(model, figure))
    yield from _faults_of_groups(model, figures, group_by)
    yield from _faults_of_sql(model, figures, group_by)


def _faults_of_figure(model: type[Owned], figure: Figure) -> Iterator[str]:
    columns = columns_by_name(model)
    if figure.kind != "count":
        fits = _can_be_summed if figure.kind == "sum" else _can_be_compared
        fitting = [name for name in columns if fits(model, name)]
        if figure.field not in fitting:
            offered = f"choose from {', '.join(fitting)}" if fitting else f"{model.__name__} has none"
            kinds = "integers and decimals" if figure.kind == "sum" else "numbers, times, dates and ranked choices"
            yield f"the {figure.kind} of {figure.field!r}, and there is one of {kinds} only; {offered}"
    if figure.condition is not None:
        yield from _faults_of_condition(model, figure)


def _can_be_summed(model: type[Owned], name: str) -> bool:
    # Floats cannot: their sum depends on the order in which a database reads the rows.
    type_ = columns_by_name(model)[name].type
    is_number = isinstance(type_, ScaledDecimal) or (
        isinstance(type_, Integer) and not isinstance(type_, TypeDecorator)
    )
    return name != "id" and is_number and _can_be_compared(model, name)


def _can_be_compared(model: type[Owned], name: str) -> bool:
    return "lt" in operators_of(model, name)


def _can_be_grouped(model: type[Owned], name: str, column: Column[Any]) -> bool:
    return "eq" in operators_of(model, name) and not isinstance(stored_type(column), Text)


def _faults_of_condition(model: type[Owned], figure: Figure) -> Iterator[str]:
    try:
        condition = condition_of(model, figure)
    except (AttributeError, TypeError, SQLAlchemyError) as error:
        yield f"a condition that fails: {error}; write it with the columns of {model.__name__}, and ~, & and |"
        return
    if not isinstance(condition, ColumnElement) or not isinstance(condition.type, Boolean | NullType):
        yield f"the condition {condition!r}, which is no SQL condition; write lambda row: row.field == value"
        return
    if others := sorted(str(each) for each in condition._from_objects if each is not table_of(model)):
        yield f"a condition that reads {others[0]}; write exists(), because there is one scan of one table"
    if any(isinstance(part, BindParameter) and (part.value is None or part.expanding) for part in iterate(condition)):
        yield "a condition with a list, or with a parameter without a value; compare with == and |"


def _faults_of_groups(model: type[Owned], figures: Mapping[str, Figure], group_by: Any) -> Iterator[str]:
    if not isinstance(group_by, tuple):
        yield f'has group_by={group_by!r}; write a tuple, such as ("completed",) with a comma'
        return
    fitting = [name for name, column in columns_by_name(model).items() if _can_be_grouped(model, name, column)]
    for place, name in enumerate(group_by):
        if name not in fitting:
            yield f"cannot group by {name!r}; choose from {', '.join(fitting)}"
        elif name in group_by[:place]:
            yield f"groups by {name!r} twice; remove one"
    for name in figures:
        if group_by and name in {*group_by, "groups", "other"}:
            yield f"has a figure {name!r}, and another part of the answer has this name; choose another"


def _faults_of_sql(model: type[Owned], figures: Mapping[str, Figure], group_by: tuple[str, ...]) -> Iterator[str]:
    statements = (figures_of(model, FiguresShape(tuple(figures.items()), group)) for group in (None, *group_by))
    try:
        for statement, dialect in product(statements, _DIALECTS):
            statement.compile(dialect=dialect)
    except (OwnershipError, SQLAlchemyError) as error:
        yield f"is no SQL for this table: {error}"

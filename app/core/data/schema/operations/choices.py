"""Changes of a field's choices: `op.change_choices("tasks", "status", ["open"], ["open", "done"])`.

With ranks the old and new values are mappings: `{"low": 10, "high": 20}`.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, cast

from alembic.autogenerate import comparators, renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations
from alembic.operations.ops import CreateCheckConstraintOp, DropConstraintOp, ModifyTableOps
from alembic.util import PriorityDispatchResult
from sqlalchemy import CheckConstraint, MetaData, Table, text

from app.core.data.schema.operations.online import ReplaceValueOp
from app.core.data.tables.choices import CHOICES, ChoiceValues, choices_sql

_TEXT: Final = re.compile("'((?:[^']|'')*)'")
_RANK: Final = re.compile("WHEN (\\d+) THEN '((?:[^']|'')*)'")
_TEXT_WHOLE: Final = re.compile("('(?:[^']|'')*')")


@Operations.register_operation("change_choices")
class ChangeChoicesOp(MigrateOperation):
    """Replace the CHECK constraint of a column with choices."""

    def __init__(  # the arguments of the call in a migration
        self,
        table_name: str,
        column_name: str,
        old: ChoiceValues,
        new: ChoiceValues,
        replaced: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.table_name, self.column_name = table_name, column_name
        self.old, self.new, self.replaced = _plain(old), _plain(new), dict(replaced)

    @classmethod
    def change_choices(cls, operations: Operations, *arguments: Any) -> None:
        """Change the choices: table, column, old values, new values, and a mapping from removed values to others."""
        operations.invoke(cls(*arguments))

    @property
    def removed(self) -> list[str]:
        return [value for value in self.old if value not in self.new]

    @property
    def moved(self) -> list[str]:
        """The values whose stored form changes, or whose number another value had before."""
        before, after = _stored(self.old), _stored(self.new)
        owners = {stored: value for value, stored in before.items()}
        return [
            value
            for value, stored in after.items()
            if before.get(value, stored) != stored
            or (value not in before and stored in owners and self.replaced.get(owners[stored]) != value)
        ]

    def reverse(self) -> "ChangeChoicesOp":
        # A replacement is undone only if it is a new value: other rows may have had an old value before.
        back = {new: old for old, new in self.replaced.items() if new not in self.old}
        return ChangeChoicesOp(self.table_name, self.column_name, self.new, self.old, back)

    def to_diff_tuple(self) -> tuple[str, str, str]:
        return ("change_choices", self.table_name, self.column_name)


@Operations.implementation_for(ChangeChoicesOp)
def _change(operations: Operations, operation: ChangeChoicesOp) -> None:
    name = operations.f(f"ck_{operation.table_name}_{operation.column_name}")
    rebuilt = {"sqlite_autoincrement": True}
    with operations.batch_alter_table(operation.table_name, table_kwargs=rebuilt) as table:
        table.drop_constraint(name, type_="check")
    before, after = _stored(operation.old), _stored(operation.new)
    for old, new in operation.replaced.items():
        if before[old] != after[new]:
            operations.invoke(ReplaceValueOp(operation.table_name, operation.column_name, before[old], after[new]))
    with operations.batch_alter_table(operation.table_name, table_kwargs=rebuilt) as table:
        table.create_check_constraint(name, cast("Any", choices_sql(operation.column_name, operation.new)))


@comparators.dispatch_for("table")
def _compare(  # the signature is alembic's
    context: AutogenContext, changes: ModifyTableOps, _: str | None, name: str, there: Table | None, model: Table | None
) -> PriorityDispatchResult:
    # Alembic compares CHECK constraints by name alone; this compares their conditions.
    if there is not None and model is not None:
        rules = {str(rule["name"]): rule["sqltext"] for rule in context.inspector.get_check_constraints(name)}
        for rule in model.constraints:
            if isinstance(rule, CheckConstraint) and str(rule.name) in rules:
                changes.ops += _changed(name, rule, rules[str(rule.name)], context.dialect)
    return PriorityDispatchResult.CONTINUE


def _changed(table: str, rule: CheckConstraint, old: str, dialect: Any) -> list[MigrateOperation]:
    if CHOICES in rule.info:
        values, (column, new) = _values_in(old), rule.info[CHOICES]
        return [ChangeChoicesOp(table, column, values, new)] if _stored(values) != _stored(new) else []
    if dialect.name != "sqlite":  # PostgreSQL prints a CHECK in its own form; migrations are written on SQLite
        return []
    options = {"literal_binds": True, "include_table": False}
    new = str(rule.sqltext.compile(dialect=dialect, compile_kwargs=options))
    if _normalized(new) == _normalized(old):
        return []
    before = CheckConstraint(text(old.replace(":", "\\:")), name=rule.name)
    Table(table, MetaData(), before)
    return [DropConstraintOp.from_constraint(before), CreateCheckConstraintOp.from_constraint(rule)]


def _values_in(condition: str) -> ChoiceValues:
    if ranks := _RANK.findall(condition):
        return {value.replace("''", "'"): int(rank) for rank, value in ranks}
    return [found.replace("''", "'") for found in _TEXT.findall(condition)]


def _stored(values: ChoiceValues) -> dict[str, Any]:
    # What the column holds for each value.
    return dict(values) if isinstance(values, Mapping) else {value: value for value in values}


def _plain(values: ChoiceValues) -> ChoiceValues:
    return dict(values) if isinstance(values, Mapping) else list(values)


def _normalized(sql: str) -> str:
    # White space and quotes of names have no meaning outside of string literals.
    parts = _TEXT_WHOLE.split(sql)
    return "".join(part if number % 2 else re.sub(r'[\s"]', "", part) for number, part in enumerate(parts))


@renderers.dispatch_for(ChangeChoicesOp)
def _render(_: AutogenContext, operation: ChangeChoicesOp) -> str:
    arguments: list[Any] = [operation.table_name, operation.column_name, operation.old, operation.new]
    arguments += [operation.replaced] if operation.replaced else []
    return f"op.change_choices({', '.join(map(repr, arguments))})"

"""Changes of a field's choices: `op.change_choices("tasks", "status", ["open"], ["open", "done"])`."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, cast

from alembic.autogenerate import comparators, renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations
from alembic.operations.ops import CreateCheckConstraintOp, DropConstraintOp, ModifyTableOps
from alembic.util import PriorityDispatchResult
from sqlalchemy import CheckConstraint, MetaData, Table, text

from app.core.data.schema.operations.online import ReplaceValueOp
from app.core.data.tables.choices import CHOICES, choices_sql

_TEXT: Final = re.compile("'((?:[^']|'')*)'")
_TEXT_WHOLE: Final = re.compile("('(?:[^']|'')*')")


@Operations.register_operation("change_choices")
class ChangeChoicesOp(MigrateOperation):
    """Replace the CHECK constraint of a column with choices."""

    def __init__(  # the arguments of the call in a migration
        self,
        table_name: str,
        column_name: str,
        old: Sequence[str],
        new: Sequence[str],
        replaced: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.table_name, self.column_name = table_name, column_name
        self.old, self.new, self.replaced = list(old), list(new), dict(replaced)

    @classmethod
    def change_choices(cls, operations: Operations, *arguments: Any) -> None:
        """Change the choices: table, column, old values, new values, and a mapping from removed values to others."""
        operations.invoke(cls(*arguments))

    @property
    def removed(self) -> list[str]:
        return [value for value in self.old if value not in self.new]

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
    for old, new in operation.replaced.items():
        operations.invoke(ReplaceValueOp(operation.table_name, operation.column_name, old, new))
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
        values = [found.replace("''", "'") for found in _TEXT.findall(old)]
        column, new = rule.info[CHOICES]
        return [ChangeChoicesOp(table, column, values, new)] if {*values} != {*new} else []
    if dialect.name != "sqlite":  # PostgreSQL prints a CHECK in its own form; migrations are written on SQLite
        return []
    options = {"literal_binds": True, "include_table": False}
    new = str(rule.sqltext.compile(dialect=dialect, compile_kwargs=options))
    if _normalized(new) == _normalized(old):
        return []
    before = CheckConstraint(text(old.replace(":", "\\:")), name=rule.name)
    Table(table, MetaData(), before)
    return [DropConstraintOp.from_constraint(before), CreateCheckConstraintOp.from_constraint(rule)]


def _normalized(sql: str) -> str:
    # White space and quotes of names have no meaning outside of string literals.
    parts = _TEXT_WHOLE.split(sql)
    return "".join(part if number % 2 else re.sub(r'[\s"]', "", part) for number, part in enumerate(parts))


@renderers.dispatch_for(ChangeChoicesOp)
def _render(_: AutogenContext, operation: ChangeChoicesOp) -> str:
    arguments: list[Any] = [operation.table_name, operation.column_name, operation.old, operation.new]
    arguments += [operation.replaced] if operation.replaced else []
    return f"op.change_choices({', '.join(map(repr, arguments))})"

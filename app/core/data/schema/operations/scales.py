"""Changes of a decimal's scale: autogenerate finds them, and no migration makes them."""

import re

from alembic.autogenerate import comparators
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation
from alembic.operations.ops import ModifyTableOps
from alembic.util import PriorityDispatchResult
from sqlalchemy import CheckConstraint, Table

from app.core.data.tables.decimals import SCALE


class ChangeScaleOp(MigrateOperation):
    """A column whose numbers have another scale in the models; None for no decimal."""

    def __init__(self, table_name: str, column_name: str, old: int | None, new: int | None) -> None:
        self.table_name, self.column_name = table_name, column_name
        self.old, self.new = old, new

    def reverse(self) -> "ChangeScaleOp":
        return ChangeScaleOp(self.table_name, self.column_name, self.new, self.old)

    def to_diff_tuple(self) -> tuple[str, str, str]:
        return ("change_scale", self.table_name, self.column_name)


@comparators.dispatch_for("table")
def _compare(  # the signature is alembic's
    context: AutogenContext, changes: ModifyTableOps, _: str | None, name: str, there: Table | None, model: Table | None
) -> PriorityDispatchResult:
    if there is not None and model is not None:
        rules = {str(rule["name"]): rule["sqltext"] for rule in context.inspector.get_check_constraints(name)}
        new = {str(r.name): r.info.get(SCALE) for r in model.constraints if isinstance(r, CheckConstraint)}
        for column in sorted({*there.c.keys()} & {*model.c.keys()}):
            rule = f"ck_{name}_{column}"
            scales = _scale_in(rules.get(rule, ""), column), new.get(rule)
            if scales[0] != scales[1]:
                changes.ops.append(ChangeScaleOp(name, column, *scales))
    return PriorityDispatchResult.CONTINUE


def _scale_in(condition: str, column: str) -> int | None:
    # SQLite has the condition as it was written, PostgreSQL in its own form: ((price / 100) >= ...
    found = re.match(rf'\(*"?{re.escape(column)}"? / (1(0*))\b', condition)
    return len(found[2]) if found else None

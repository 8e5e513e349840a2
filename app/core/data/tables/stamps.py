"""Stamps: an instant that follows a flag of the same row: set when it becomes true, null while it is false."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BindParameter, Column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

from app.core.data.tables.clock import now
from app.core.data.tables.declarations import declaration_of
from app.core.data.tables.field_types import utcnow

STAMP: Final = "stamp"
"""The key in a column's `info` for the flag that the column follows."""


def stamp_column(flag: str) -> dict[str, Any]:
    """Return the arguments of a column that follows a flag, on INSERT and on UPDATE."""

    def given(context: Any) -> datetime | None:
        # A row that is new and done has one time in both columns.
        new = context.get_current_parameters()
        return (new.get("created_at") or utcnow()) if new.get(flag) else None

    return {"default": given, "onupdate": stamp_change(flag), "info": {STAMP: flag}}


def stamps_of(model: type[SQLModel]) -> dict[str, str]:
    """Return the flags of the stamps of a class, by the name of the stamp."""
    declared = {name: declaration_of(field) for name, field in model.model_fields.items()}
    return {name: each.flag for name, each in declared.items() if each and each.flag}


class stamp_change(FunctionElement[datetime]):  # noqa: N801  # SQL functions are in lower case
    """The SQL function for the new value of a stamp; for UPDATE only."""

    inherit_cache = False
    type = UTCDateTime()

    def __init__(self, flag: str) -> None:
        super().__init__()
        self.flag = flag


def written_values(statement: Any) -> Mapping[str, Any]:
    """Return the values in an INSERT or UPDATE by the key of their column, without those in its parameters."""
    return {getattr(key, "key", key): value for key, value in (statement._values or {}).items()}


@compiles(stamp_change)
def _write_stamp_change(change: stamp_change, compiler: Any, **options: Any) -> str:
    statement = compiler.stack[-1]["selectable"]
    flag, stamp = statement.table.c[change.flag], _column_of(change, statement.table)
    old = compiler.process(stamp, **options)
    new = written_values(statement).get(change.flag)
    if new is None and change.flag not in (compiler.column_keys or ()):
        return str(old)
    # The flag is declared before the stamp, so its parameter has been written already.
    key = change.flag if new is None else getattr(new, "key", None)
    value = compiler.binds.get(key, new) if new is None or isinstance(new, BindParameter) else new
    was, becomes, present = (compiler.process(part, **options) for part in (flag, value, now()))
    return f"CASE WHEN {becomes} THEN CASE WHEN {was} THEN {old} ELSE {present} END END"


def _column_of(change: stamp_change, table: Any) -> Column[Any]:
    columns: list[Column[Any]] = [each for each in table.c if each.onupdate and each.onupdate.arg is change]
    return columns[0]

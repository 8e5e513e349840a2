"""Copies of the tables of the models, which can be changed as their author would change the models."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Identity,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from app.core.data.tables.choices import CHOICES, RankedChoice, choices_constraint
from app.core.data.tables.decimals import ScaledDecimal
from app.core.data.tables.documents import JsonDocument
from app.core.data.tables.field_types import BigIntKey
from app.core.data.tables.indexes import reference
from app.core.data.tables.owned import owned_table_args
from app.core.data.tables.row_ids import RowIdList, add_link_table, is_link_table, link_tables, list_constraint
from app.core.data.tables.stored_types import StoredType


class Level(StrEnum):
    """How high a thing is."""

    LOW = "low"
    HIGH = "it's high"


LEVEL: Final = RankedChoice(Level, ((Level.LOW, 10), (Level.HIGH, 20)))

PRICE: Final = ScaledDecimal(2)


def models() -> MetaData:
    """Return the tables of the sample product, and of a noun as `app startapp` writes it that refers to both."""
    metadata = MetaData(naming_convention=SQLModel.metadata.naming_convention)
    for table in SQLModel.metadata.tables.values():
        table.to_metadata(metadata)
    columns = [Column("title", AutoString(200), nullable=False), Column("body", Text), Column("rank", AutoString(255))]
    columns += [Column("level", LEVEL), Column("price", PRICE)]
    columns += [Column(name, JsonDocument()) for name in ("tags", "labels")]
    keys = [Column("task_id", BigIntKey), Column("project_id", BigIntKey)]
    cleared = reference("task_id", "tasks", on_delete="set null")
    deleted = reference("project_id", "projects", on_delete="cascade")
    rules = [choices_constraint("rank", ["low", "it's high"]), CheckConstraint("length(title) < 400", name="short")]
    rules += [LEVEL.check("level"), PRICE.check("price"), *map(JsonDocument().check, ("tags", "labels"))]
    add_noun(metadata, "notes", *columns, *keys, *cleared, *deleted, *rules)
    add_list(metadata, "notes", "task_ids", "tasks")
    return metadata


def add_noun(metadata: MetaData, name: str, *parts: Any) -> None:
    """Add an owned table."""
    *items, options = owned_table_args(*parts)
    key = Column("id", BigIntKey, Identity(), primary_key=True)
    owner: Column[str] = Column("user_id", AutoString(255), nullable=False)
    times = [
        Column(when, UTCDateTime, nullable=False, server_default=func.now()) for when in ("created_at", "updated_at")
    ]
    Table(name, metadata, key, owner, *times, *items, **options)


def add_list(metadata: MetaData, name: str, column: str, target: str) -> None:
    """Add a list of ids to a table, with its link table."""
    added = list_of(column, target)
    alter(metadata, name, added, list_constraint(column))
    add_link_table(metadata.tables[name], added)


def list_of(column: str, target: str) -> Column[Any]:
    """Return the column with a list of ids."""
    return Column(column, RowIdList(target), nullable=False, server_default="[]")


def remove(metadata: MetaData, name: str) -> None:
    """Remove a table, and its link tables."""
    for link in [*link_tables(metadata.tables.values())]:
        if link.source == name:
            metadata.remove(link.table)
    metadata.remove(metadata.tables[name])


def alter(
    metadata: MetaData,
    name: str,
    *add: Any,
    drop: tuple[str, ...] = (),
    columns: Mapping[str, Column[Any]] | None = None,
) -> None:
    """Change a table: drop columns and what they are part of, replace some by others, and add columns and rules."""
    table, columns = metadata.tables[name], columns or {}
    kept = [columns.get(column.name, column)._copy() for column in table.columns if column.name not in drop]
    names = {old: column.name for old, column in columns.items()}
    rules = [_again(rule, names) for rule in _rules(table) if not {*drop} & _columns_of(rule)]
    metadata.remove(table)
    Table(name, metadata, *kept, *rules, *add, **table.kwargs)


def rename(metadata: MetaData, old: str, new: str) -> None:
    """Call a table something else; whatever refers to it follows."""
    for table in [*metadata.tables.values()]:
        name = new if table.name == old else table.name
        if is_link_table(table) and table.name.startswith(f"{old}_"):
            name = new + table.name.removeprefix(old)
        rules = [_again(rule, {}, {old: new}) for rule in _rules(table)]
        columns = [column._copy() for column in table.columns]
        metadata.remove(table)
        Table(name, metadata, *columns, *rules, **table.kwargs)


def without_rules(metadata: MetaData, name: str, column: str) -> None:
    """Take the references and indexes of a column away; the column stays."""
    table = metadata.tables[name]
    rules = [_again(rule, {}) for rule in _rules(table) if column not in _columns_of(rule)]
    columns = [part._copy() for part in table.columns]
    metadata.remove(table)
    Table(name, metadata, *columns, *rules, **table.kwargs)


def _columns_of(rule: Any) -> set[str]:
    if _type_of_check(rule):
        return {str(rule.name).rpartition("_")[2]}
    if CHOICES in rule.info:
        return {rule.info[CHOICES].column}
    is_text = isinstance(rule, CheckConstraint)
    return {*re.findall('"(.*?)"', str(rule.sqltext))} if is_text else {column.name for column in rule.columns}


def _rules(table: Table) -> list[Any]:
    return [*(rule for rule in table.constraints if not isinstance(rule, PrimaryKeyConstraint)), *table.indexes]


def _again(rule: Any, names: Mapping[str, str], tables: Mapping[str, str] | None = None) -> Any:
    if stored := _type_of_check(rule):
        column = str(rule.name).rpartition("_")[2]
        return stored.check(names.get(column, column))
    if CHOICES in rule.info:
        column, values = rule.info[CHOICES]
        return choices_constraint(names.get(column, column), values)
    if isinstance(rule, CheckConstraint):
        text = str(rule.sqltext)
        for old, new in names.items():
            text = text.replace(old, new)
        name = str(rule.name).removeprefix(f"ck_{rule.table.name}_")
        return CheckConstraint(text, name=names.get(name, name))
    columns = [names.get(column.name, column.name) for column in rule.columns]
    if isinstance(rule, UniqueConstraint):
        return UniqueConstraint(*columns)
    if isinstance(rule, Index):
        return Index(None, *columns, unique=rule.unique)
    assert isinstance(rule, ForeignKeyConstraint)
    whose = (tables or {}).get(rule.elements[0].target_fullname.split(".")[0])
    whose = whose or rule.elements[0].target_fullname.split(".")[0]
    again = ForeignKeyConstraint(columns, [f"{whose}.user_id", f"{whose}.id"], ondelete=rule.ondelete)
    again.info.update(rule.info)
    return again


def _type_of_check(rule: Any) -> StoredType | None:
    if not isinstance(rule, CheckConstraint):
        return None
    return {"level": LEVEL, "price": PRICE, "tags": JsonDocument(), "labels": JsonDocument()}.get(
        str(rule.name).rpartition("_")[2]
    )

"""Writes the files of a migration: one for fast operations, and one for those that read all rows of a table.

The first is one transaction. The second follows it and runs online (see `operations/online.py`): indexes, constraints,
and columns that become NOT NULL.
"""

from collections.abc import Iterable
from copy import copy
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from alembic import command
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import render_op
from alembic.migration import MigrationContext
from alembic.operations import MigrateOperation
from alembic.operations.ops import (
    AlterColumnOp,
    CreateCheckConstraintOp,
    CreateForeignKeyOp,
    CreateIndexOp,
    CreateTableOp,
    CreateUniqueConstraintOp,
    DowngradeOps,
    MigrationScript,
    ModifyTableOps,
    UpgradeOps,
)
from alembic.script import Script
from sqlalchemy import MetaData
from sqlmodel import SQLModel

from app.core.data.schema.autogenerate.answers import Answers
from app.core.data.schema.autogenerate.autodetector import Autodetector
from app.core.data.schema.autogenerate.descriptions import describe
from app.core.data.schema.branches import next_revision
from app.core.data.schema.configuration import alembic_config
from app.core.data.schema.ddl.declared_columns import DeclaredColumns
from app.core.data.schema.drift import drift, scratch_database
from app.core.data.schema.engines import owner_url
from app.core.data.schema.operations.choices import ChangeChoicesOp
from app.core.data.schema.operations.online import OnlineOp, ReplaceValueOp
from app.core.data.tables.cycles import sorting_cycles

_ALONE: Final = (ReplaceValueOp, ChangeChoicesOp)  # these are no part of `batch_alter_table`
_SLOW: Final = (CreateIndexOp, CreateUniqueConstraintOp, CreateForeignKeyOp, CreateCheckConstraintOp, *_ALONE)
_NOTHING_SAID: Final = Answers()


class WrittenMigration(NamedTuple):
    """A file that was written, and descriptions of its operations."""

    path: Path
    sentences: list[str]


def make_migration(
    name: str, answers: Answers = _NOTHING_SAID, metadata: MetaData = SQLModel.metadata
) -> list[WrittenMigration]:
    """Write the migration from the present ones to the models, in one file or two; in none if they agree.

    It compares with a scratch database, and needs no other.

    Raises:
        Undecided: an answer of the author is missing.
    """
    declared = DeclaredColumns()
    sentences: list[list[str]] = []

    def direct(context: MigrationContext, _: Any, directives: list[MigrationScript]) -> None:
        operations = Autodetector(context, answers, declared).detect()
        directives[:] = _scripts(directives[0], name, operations)
        sentences.extend(describe(cast("UpgradeOps", script.upgrade_ops).ops) for script in directives)

    with sorting_cycles(), scratch_database(declared=declared) as scratch:
        if not drift(scratch, metadata):
            answers.refuse_unused()
            return []
        config, revision = alembic_config(owner_url(scratch), declared=declared, metadata=metadata), next_revision()
        made = command.revision(config, name, autogenerate=True, rev_id=revision, process_revision_directives=direct)
    scripts = made if isinstance(made, list) else [made]
    return [
        WrittenMigration(Path(cast("Script", script).path), said)
        for script, said in zip(scripts, sentences, strict=True)
    ]


def _scripts(template: MigrationScript, name: str, operations: Iterable[MigrateOperation]) -> list[MigrationScript]:
    at_once, online = _split(operations)
    parts = [(name, at_once)] if at_once else []
    if online:
        parts.append((f"{name}_online" if at_once else name, [OnlineOp(online)]))
    return [_script(template, message, ops, number) for number, (message, ops) in enumerate(parts)]


def _script(template: MigrationScript, message: str, ops: list[MigrateOperation], number: int) -> MigrationScript:
    revision = f"{int(str(template.rev_id)) + number:04d}"
    script = MigrationScript(revision, UpgradeOps(ops), DowngradeOps(_reversed(ops)), message=message, head="head")
    script._needs_render = True  # alembic sets it on the first one only
    return script


def _split(operations: Iterable[MigrateOperation]) -> tuple[list[MigrateOperation], list[MigrateOperation]]:
    """Separate the fast operations from those that read all rows of an existing table."""
    at_once: list[MigrateOperation] = []
    online: list[MigrateOperation] = []
    new: set[str] = set()
    for operation in operations:
        if isinstance(operation, CreateTableOp):
            new.add(operation.table_name)
        if not isinstance(operation, ModifyTableOps) or operation.table_name in new:
            at_once.append(operation)
            continue
        parts = [each for part in operation.ops for each in _parts(part)]
        again = {name for part in parts if _is_slow(part) and (name := _name_of(part))}
        slow = [
            part for part in parts if _is_slow(part) or _name_of(part) in again
        ]  # a constraint is replaced in one file, so that it always holds
        for each, into in (([part for part in parts if part not in slow], at_once), (slow, online)):
            into += [part for part in each if isinstance(part, _ALONE)]
            if batch := [part for part in each if not isinstance(part, _ALONE)]:
                into.append(ModifyTableOps(operation.table_name, batch))
    return at_once, online


def _parts(operation: MigrateOperation) -> list[MigrateOperation]:
    # A new type belongs to the first file, NOT NULL to the second.
    if not isinstance(operation, AlterColumnOp) or operation.modify_nullable is None or operation.modify_type is None:
        return [operation]
    typed, required = copy(operation), copy(operation)
    typed.modify_nullable = required.modify_type = None
    required.existing_type = operation.modify_type
    return [typed, required]


def _is_slow(operation: MigrateOperation) -> bool:
    is_required = isinstance(operation, AlterColumnOp) and operation.modify_nullable is False
    return is_required or isinstance(operation, _SLOW)


def _name_of(operation: MigrateOperation) -> str | None:
    name = getattr(operation, "constraint_name", None) or getattr(operation, "index_name", None)
    return None if name is None else str(name)


def _reversed(operations: Iterable[MigrateOperation]) -> list[MigrateOperation]:
    # A downgrade needs no online block: dropping an index or a constraint is fast.
    plain = [each for op in operations for each in (op.ops if isinstance(op, OnlineOp) else [op])]
    return [op.reverse() for op in reversed(plain) if not isinstance(op, ReplaceValueOp)]


@renderers.dispatch_for(OnlineOp)
def _render_online(context: AutogenContext, operation: OnlineOp) -> list[str]:
    return ["with op.online():", *(line for part in operation.ops for line in render_op(context, part)), ""]

"""Writes the files of a migration: one for fast operations, and one for operations that read all rows of a table.

The first is one transaction. The second follows it and runs online (see `operations/online.py`).
"""

from collections.abc import Iterable
from copy import copy
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from alembic import command
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import render_op
from alembic.config import Config
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
from app.core.data.schema.operations.folds import FillFoldOp
from app.core.data.schema.operations.online import OnlineOp, ReplaceValueOp
from app.core.data.tables.cycles import sorting_cycles

_NOT_BATCHED: Final = (ReplaceValueOp, FillFoldOp, ChangeChoicesOp)  # these run outside of `batch_alter_table`
_SLOW: Final = (CreateIndexOp, CreateUniqueConstraintOp, CreateForeignKeyOp, CreateCheckConstraintOp, *_NOT_BATCHED)
_NO_ANSWERS: Final = Answers()


class WrittenMigration(NamedTuple):
    """The file of a new migration, and descriptions of its operations."""

    path: Path
    sentences: list[str]


def make_migration(
    name: str, answers: Answers = _NO_ANSWERS, metadata: MetaData = SQLModel.metadata
) -> list[WrittenMigration]:
    """Write the migration from the present ones to the models, in one file or two; in none if there is no difference.

    Raises:
        Undecided: an answer of the author is missing.
    """
    declared = DeclaredColumns()
    with sorting_cycles(), scratch_database(declared=declared) as scratch:
        if not drift(scratch, metadata):
            answers.refuse_unused()
            return []
        config = alembic_config(owner_url(scratch), declared=declared, metadata=metadata)
        return _write(config, name, answers, declared)


def _write(config: Config, name: str, answers: Answers, declared: DeclaredColumns) -> list[WrittenMigration]:
    sentences: list[list[str]] = []

    def replace_directives(context: MigrationContext, _: Any, directives: list[MigrationScript]) -> None:
        operations = Autodetector(context, answers, declared).detect()
        directives[:] = _scripts(directives[0], name, operations)
        sentences.extend(describe(cast("UpgradeOps", script.upgrade_ops).ops) for script in directives)

    made = command.revision(
        config, name, autogenerate=True, rev_id=next_revision(), process_revision_directives=replace_directives
    )
    scripts = made if isinstance(made, list) else [made]
    return [
        WrittenMigration(Path(cast("Script", script).path), described)
        for script, described in zip(scripts, sentences, strict=True)
    ]


def _scripts(template: MigrationScript, name: str, operations: Iterable[MigrateOperation]) -> list[MigrationScript]:
    fast, online = _split(operations)
    parts = [(name, fast)] if fast else []
    if online:
        parts.append((f"{name}_online" if fast else name, [OnlineOp(online)]))
    return [_script(template, message, ops, number) for number, (message, ops) in enumerate(parts)]


def _script(template: MigrationScript, message: str, ops: list[MigrateOperation], number: int) -> MigrationScript:
    revision = f"{int(str(template.rev_id)) + number:04d}"
    script = MigrationScript(revision, UpgradeOps(ops), DowngradeOps(_reversed(ops)), message=message, head="head")
    script._needs_render = True  # alembic sets it on the first script only
    return script


def _split(operations: Iterable[MigrateOperation]) -> tuple[list[MigrateOperation], list[MigrateOperation]]:
    # Slow operations read all rows of an existing table.
    fast: list[MigrateOperation] = []
    online: list[MigrateOperation] = []
    new: set[str] = set()
    for operation in operations:
        if isinstance(operation, CreateTableOp):
            new.add(operation.table_name)
        if not isinstance(operation, ModifyTableOps) or operation.table_name in new:
            fast.append(operation)
            continue
        parts = [each for part in operation.ops for each in _parts(part)]
        slow = _slow_of(parts)
        fast += _batched(operation.table_name, [part for part in parts if part not in slow])
        online += _batched(operation.table_name, slow)
    return fast, online


def _slow_of(parts: list[MigrateOperation]) -> list[MigrateOperation]:
    # A constraint is dropped and created again in the same file, so that it always holds.
    replaced = {name for part in parts if _is_slow(part) and (name := _name_of(part))}
    return [part for part in parts if _is_slow(part) or _name_of(part) in replaced]


def _batched(table: str, parts: list[MigrateOperation]) -> list[MigrateOperation]:
    alone = [part for part in parts if isinstance(part, _NOT_BATCHED)]
    batch = [part for part in parts if not isinstance(part, _NOT_BATCHED)]
    return [*alone, ModifyTableOps(table, batch)] if batch else [*alone]


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
    return [op.reverse() for op in reversed(plain) if not isinstance(op, ReplaceValueOp | FillFoldOp)]


@renderers.dispatch_for(OnlineOp)
def _render_online(context: AutogenContext, operation: OnlineOp) -> list[str]:
    return ["with op.online():", *(line for part in operation.ops for line in render_op(context, part)), ""]

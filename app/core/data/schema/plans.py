"""Migration plans: the migrations to apply or to revert, and their SQL."""

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple
from urllib.parse import quote

from alembic import command
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from pydantic import SecretStr

from app.core.data.errors import MigrationError
from app.core.data.schema.branches import refuse_branches
from app.core.data.schema.configuration import alembic_config, script_directory
from app.core.data.schema.engines import owner_url
from app.core.data.schema.migrations import Trace, downgrade, upgrade
from app.core.data.schema.revisions import applied
from app.core.data.schema.running.backoff import Backoff
from app.settings import Settings

_READS: Final = re.compile(r"\s*(SELECT|PRAGMA|--)", re.IGNORECASE)


class Plan(NamedTuple):
    """The migrations to apply or to revert, in this order, from one revision to another."""

    steps: list[Script]
    is_back: bool
    start: str
    end: str
    unknown: list[str]
    """Revisions of the database that this version does not have: the database is newer, and the plan is empty."""

    def carry_out(self, settings: Settings, backoff: Backoff | None = None, trace: Trace = None) -> None:
        (downgrade if self.is_back else upgrade)(settings, self.end, backoff, trace)

    def print_sql(self, settings: Settings) -> None:
        # Alembic cannot write SQL for the rebuild of a table, so for SQLite this migrates a copy and prints the trace.
        url = owner_url(settings)
        if url.get_backend_name() == "sqlite":
            self._trace_on_copy(settings, Path(url.database or ""))
        elif self.is_back:
            command.downgrade(alembic_config(url), f"{self.start}:{self.end}", sql=True)
        else:
            command.upgrade(alembic_config(url), f"{self.start}:{self.end}", sql=True)

    def _trace_on_copy(self, settings: Settings, path: Path) -> None:
        with TemporaryDirectory() as folder:
            if path.exists():
                with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(f"{folder}/copy.db")) as copy:
                    source.backup(copy)
            url = SecretStr(f"sqlite:///{quote(folder)}/copy.db")
            on_copy = settings.model_copy(update={"database_url": url, "migration_database_url": None})
            self.carry_out(on_copy, trace=_print_statement)


def planned(settings: Settings, to: str | None = None) -> Plan:
    """Return the plan from the database's revision to another, to the newest by default; `base` reverts all.

    Raises:
        MigrationError: the revision is unknown, or the database is newer than this version.
    """
    scripts = script_directory()
    refuse_branches(scripts)
    current = applied(settings)
    known = {script.revision for script in scripts.walk_revisions()}
    unknown = [revision for revision in current if revision not in known]
    if unknown and to:
        raise MigrationError(f"the database has {', '.join(unknown)}: revert it with the version that has it")
    if unknown:
        return Plan([], is_back=False, start="", end="", unknown=unknown)
    start, end = ",".join(current) or "base", _resolved(scripts, to)
    if end == "base" or end in {script.revision for script in scripts.iterate_revisions(current, "base")}:
        return Plan([*scripts.iterate_revisions(current, end)], is_back=True, start=start, end=end, unknown=[])
    steps = [*scripts.iterate_revisions(end, current or "base")][::-1]
    return Plan(steps, is_back=False, start=start, end=end, unknown=[])


def named(steps: Sequence[Script]) -> str:
    """Return the revisions with their messages, such as `0001 (tasks)`."""
    return ", ".join(f"{step.revision} ({step.doc})" for step in steps)


def _resolved(scripts: ScriptDirectory, to: str | None) -> str:
    if to == "base":
        return to
    try:
        found = scripts.get_revision(to.zfill(4) if to and to.isdecimal() else to or "head")
    except CommandError:
        found = None
    if found is None:
        names = sorted(script.revision for script in scripts.walk_revisions())
        raise MigrationError(f"there is no migration {to!r}; there are {', '.join(names)}")
    return found.revision


def _print_statement(statement: str) -> None:
    if not _READS.match(statement):
        print(f"{statement};\n")  # noqa: T201

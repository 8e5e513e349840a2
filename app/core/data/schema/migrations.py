"""Migrations: alembic's commands through advanced-alchemy, on an engine of their own.

They do not use the application's engine, which commits every statement by itself: a migration is one transaction, on
SQLite too, and one that fails leaves nothing behind (see `running/applying.py`).
"""

from argparse import Namespace
from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from advanced_alchemy.alembic.commands import AlembicCommands
from advanced_alchemy.config import SQLAlchemyAsyncConfig
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from pydantic import SecretStr
from sqlalchemy import URL, Engine, MetaData, create_engine
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel

from app.core.data.connection.engine import begin_immediately, libpq_args, make_engine
from app.core.data.ownership.plugin import alembic_config

# Imported for what it registers: the operations that migrations call, and autogenerate's comparison.
from app.core.data.schema import operations as operations  # noqa: PLC0414  # noqa: PLC0414  # noqa: PLC0414  # noqa: PLC0414  # noqa: PLC0414  # noqa: PLC0414  # noqa: PLC0414  # noqa: PLC0414
from app.core.data.schema.branches import next_number, refuse_branches, tell_apart
from app.core.data.schema.inspection import cloned_keys
from app.core.data.schema.running.patience import Patience
from app.core.data.tables.cycles import sorting_cycles
from app.settings import InvalidSettings, Settings, load_settings

COMPARISON: Final[dict[str, Any]] = {
    "compare_type": True,
    "render_as_batch": True,
    "autogenerate_plugins": ["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"],
}


def upgrade(settings: Settings, revision: str = "head", patience: Patience | None = None) -> None:
    """Bring the database up to a revision; a SQLite file is created where there is none.

    Each migration is stored when it is done, and stays when a later one fails.

    Raises:
        InvalidSettings: the folder of the SQLite file cannot be made.
        MigrationError: others were in the way for longer than the patience lasts.
        UnfitRows: a migration that runs online found rows that it does not fit.
    """
    commands = commands_of(settings, patience)
    refuse_branches(ScriptDirectory.from_config(commands.config))
    url = commands.config.engine.url
    if url.get_backend_name() == "sqlite" and url.database:
        _make_folder(Path(url.database).parent)
    commands.upgrade(revision)


def downgrade(settings: Settings, revision: str, patience: Patience | None = None) -> None:
    """Take the database back to a revision, `base` for an empty one. Tables that it drops lose their rows.

    Raises:
        MigrationError: others were in the way for longer than the patience lasts.
    """
    commands_of(settings, patience).downgrade(revision)


def merge_migrations() -> Path | None:
    """Write the migration that joins two that are both the newest; None if there is one newest.

    Of two with the same revision, the younger gets another one first.

    Raises:
        MigrationError: nobody but their author knows in which order they are.
    """
    commands = commands_of(load_settings())
    tell_apart(ScriptDirectory.from_config(commands.config))
    scripts = ScriptDirectory.from_config(commands.config)
    if len(scripts.get_heads()) < 2:
        return None
    script = commands.merge("heads", message="merge", rev_id=next_number(scripts))
    return Path(script.path) if script else None


class Revisions(NamedTuple):
    """The migrations of this version: all of their names, and the newest."""

    all: frozenset[str]
    newest: frozenset[str]

    def are_behind(self, applied: AbstractSet[str]) -> bool:
        """Tell whether a database with these lacks some. One that this version does not know came after all of them."""
        return not applied or (applied <= self.all and applied != self.newest)


def known_revisions() -> Revisions:
    """Return the migrations of this version."""
    scripts = ScriptDirectory.from_config(commands_of(load_settings()).config)
    names = (script.revision for script in scripts.walk_revisions())
    return Revisions(frozenset(names), frozenset(scripts.get_heads()))


def newest_migration() -> Script:
    """Return the newest of the present migrations, with its `path`, `revision` and `down_revision`."""
    script = ScriptDirectory.from_config(commands_of(load_settings()).config).get_revision("head")
    assert script is not None, "a project has one head"  # noqa: S101
    return script


def next_revision() -> str:
    """Return the number of the next migration.

    Raises:
        MigrationError: two are both the newest.
    """
    scripts = ScriptDirectory.from_config(commands_of(load_settings()).config)
    refuse_branches(scripts)
    return next_number(scripts)


def missing_operations() -> list[Any]:
    """Return what a migration would have to do."""
    with scratch_database() as scratch:
        return drift(scratch)


@contextmanager
def scratch_database(ledger: Any = None) -> Iterator[Settings]:
    """Yield the settings of a database that the present migrations made, for as long as the block runs."""
    with TemporaryDirectory() as folder:
        url = SecretStr(f"sqlite:///{quote(folder)}/scratch.db")
        scratch = load_settings().model_copy(update={"database_url": url, "migration_database_url": None})
        commands = commands_of(scratch, ledger=ledger)
        refuse_branches(ScriptDirectory.from_config(commands.config))
        commands.upgrade()
        yield scratch


def applied(settings: Settings) -> tuple[str, ...]:
    """Return the newest revisions of the database: none, one, or of two branches two."""
    url = commands_of(settings).config.engine.url
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return ()  # to look must not create the file
    with reading_engine(url).connect() as connection:
        return MigrationContext.configure(connection).get_current_heads()


def pending(settings: Settings) -> list[str]:
    """Return the revisions that the database still lacks, oldest first; none where it is newer than this version.

    Raises:
        MigrationError: the migrations of this version do not follow each other.
    """
    scripts, current = ScriptDirectory.from_config(commands_of(settings).config), applied(settings)
    refuse_branches(scripts)
    if unknown_among(current):
        return []
    found = scripts.iterate_revisions("heads", current or "base")
    return [script.revision for script in reversed(list(found))]


def unknown_among(revisions: Collection[str]) -> list[str]:
    """Return those that this version has not; a database with one is newer."""
    return sorted(set(revisions) - known_revisions().all)


def drift(settings: Settings, metadata: MetaData = SQLModel.metadata) -> list[Any]:
    """Return what differs between the database and the models, as alembic's operations."""
    with reading_engine(commands_of(settings).config.engine.url).connect() as connection:
        options = COMPARISON | {"include_name": partial(_is_named, cloned_keys(connection))}
        context = MigrationContext.configure(connection, opts=options)
        with sorting_cycles():
            return list(compare_metadata(context, metadata))


def _is_named(clones: AbstractSet[tuple[str, str]], name: str, kind: str, parents: Mapping[str, str]) -> bool:
    """Whether somebody gave it its name: of alembic's kinds of things, keys can be clones."""
    return kind != "foreign_key_constraint" or (parents["table_name"], name) not in clones


def owner_settings(settings: Settings) -> Settings:
    """Return the settings by which the owner of the tables connects: with MIGRATION_DATABASE_URL, if it is set."""
    direct = settings.migration_database_url
    return settings.model_copy(update={"database_url": direct}) if direct else settings


def migration_engine(url: URL, name: str | None = None) -> Engine:
    """Return an engine for migrations, from the application's URL: synchronous, and with real transactions.

    PostgreSQL shows the name as that of the application.
    """
    if url.get_backend_name() != "sqlite":
        synchronous = url.set(drivername="postgresql+psycopg")
        arguments = libpq_args(url) | ({"application_name": name} if name else {})
        return create_engine(synchronous, poolclass=NullPool, connect_args=arguments)
    engine = create_engine(url.set(drivername="sqlite"), poolclass=NullPool)
    begin_immediately(engine)
    return engine.execution_options(isolation_level="SERIALIZABLE")


def reading_engine(url: URL) -> Engine:
    """Return an engine for looking: on SQLite it waits for nobody who writes."""
    return migration_engine(url).execution_options(reads_only=True)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidSettings(
            f"DATABASE_URL is a SQLite file in {path}, which cannot be made: {error.strerror}; make it, or set"
            " DATABASE_URL to another database"
        ) from None


def commands_of(settings: Settings, patience: Patience | None = None, **attributes: Any) -> AlembicCommands:
    """Return alembic's commands for the database of these settings, which its owner migrates; env.py reads the rest."""
    # Not the plugin's configuration: that one notes each of its kind for ever, and refuses the thousandth.
    configuration = SQLAlchemyAsyncConfig(
        engine_instance=make_engine(owner_settings(settings)), alembic_config=alembic_config()
    )
    commands = AlembicCommands(configuration)
    commands.config.attributes.update(attributes, patience=patience or Patience())
    commands.config.cmd_opts = Namespace(quiet=True)  # it would say which file it writes, beside our own sentence
    return commands

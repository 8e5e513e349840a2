"""Drift: the differences between a database and the models, as alembic compares them."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import quote

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import MetaData
from sqlmodel import SQLModel

from app.core.data.schema.branches import refuse_branches
from app.core.data.schema.configuration import alembic_config, script_directory
from app.core.data.schema.engines import owner_url, reading_engine
from app.core.data.schema.inspection import cloned_foreign_keys
from app.core.data.schema.running.backoff import Backoff
from app.core.data.tables.cycles import sorting_cycles
from app.settings import Settings, load_settings

COMPARISON: Final[dict[str, Any]] = {
    "compare_type": True,
    "render_as_batch": True,
    "autogenerate_plugins": ["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"],
}


def drift(settings: Settings, metadata: MetaData = SQLModel.metadata) -> list[Any]:
    """Return the differences between the database and the models, as alembic's operations."""
    with reading_engine(owner_url(settings)).connect() as connection:
        options = COMPARISON | {"include_name": partial(_is_included, cloned_foreign_keys(connection))}
        context = MigrationContext.configure(connection, opts=options)
        with sorting_cycles():
            return list(compare_metadata(context, metadata))


def missing_operations() -> list[Any]:
    """Return the differences between the present migrations and the models."""
    with scratch_database() as scratch:
        return drift(scratch)


@contextmanager
def scratch_database(**attributes: Any) -> Iterator[Settings]:
    """Yield the settings of a database that the present migrations made, which is deleted after the block."""
    with TemporaryDirectory() as folder:
        url = SecretStr(f"sqlite:///{quote(folder)}/scratch.db")
        scratch = load_settings().model_copy(update={"database_url": url, "migration_database_url": None})
        refuse_branches(script_directory())
        silent = Backoff(report=lambda _: None)
        command.upgrade(alembic_config(owner_url(scratch), backoff=silent, **attributes), "head")
        yield scratch


def _is_included(clones: AbstractSet[tuple[str, str]], name: str, kind: str, parents: Mapping[str, str]) -> bool:
    # PostgreSQL itself clones foreign keys for partitions; no migration has named these.
    return kind != "foreign_key_constraint" or (parents["table_name"], name) not in clones

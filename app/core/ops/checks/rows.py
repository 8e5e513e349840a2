"""Checks of the rows: the values that follow other values."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import ProgrammingError
from sqlmodel import SQLModel

from app.core.data.schema.engines import owner_url, reading_engine
from app.core.data.schema.fold_backfill import folded_texts
from app.core.data.schema.link_differences import link_differences
from app.core.ops.checks.database import is_current
from app.core.ops.checks.registry import Context, Messages, check
from app.settings import Settings


@check(
    "data.W003",
    hint="Run `app migrate` when the previous version no longer serves: it ends with a backfill of folds.",
    deploy=True,
    needs_database=True,
)
async def folds_follow_their_texts(context: Context) -> Messages:
    """Each text that is sorted or searched has its fold, also in rows that the previous version wrote."""
    if is_current(context.settings):
        with rows_of(context.settings) as connection:
            for folded in folded_texts(connection):
                if count := folded.count_stale(connection):
                    rows = "1 row" if count == 1 else f"{count:,} rows"
                    yield f"The fold of {folded.table}.{folded.text} is missing or old in {rows}; no search finds them."


@check(
    "data.E011",
    hint="Restore a backup, or load a dump into an empty database: both write the links again from the lists.",
    deploy=True,
    needs_database=True,
)
async def links_match_the_lists(context: Context) -> Messages:
    """The link tables have the entries of the lists in the rows; a trigger may have been disabled for a time."""
    if is_current(context.settings):
        with rows_of(context.settings) as connection:
            for message in link_differences(connection, SQLModel.metadata):
                yield message


@contextmanager
def rows_of(settings: Settings) -> Iterator[Connection]:
    """Open a connection that reads rows; a block that lacks the right to read a table ends without an error."""
    # `security.E005` reports the missing right.
    with reading_engine(owner_url(settings)).connect() as connection:
        try:
            yield connection
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", None) != "42501":  # insufficient_privilege
                raise

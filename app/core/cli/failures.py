"""The errors of commands: an error that the operator can correct is one line, without a traceback."""

from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

import click
from alembic.script.revision import RevisionError
from sqlalchemy.exc import DBAPIError, NoReferencedTableError, SQLAlchemyError

from app.core.data.connection.failures import Failure, classify
from app.core.data.errors import (
    BackupFailed,
    ImpossibleRows,
    InvalidDeclaration,
    InvalidDump,
    MigrationError,
    OutcomeUnknown,
    UnfitRows,
)
from app.core.data.tables.references import missing_targets
from app.core.ops.server.sockets import BindError
from app.settings import IS_CHECKOUT, InvalidSettings

P = ParamSpec("P")
R = TypeVar("R")

_OPERATOR_ERRORS: Final = (
    InvalidSettings,
    InvalidDump,
    InvalidDeclaration,
    BackupFailed,
    ImpossibleRows,
    OutcomeUnknown,
    UnfitRows,
    MigrationError,
    BindError,
)


def explained(command: Callable[P, R]) -> Callable[P, R]:
    """Show errors of settings and databases as one line, with exit code 1. Other exceptions keep their traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except _OPERATOR_ERRORS as error:
            raise click.ClickException(str(error)) from None
        except (RevisionError, SQLAlchemyError) as error:
            if sentence := _explanation_of(error):
                raise click.ClickException(sentence) from None
            raise

    return run


def refuse_installed(what: str) -> None:
    """Raise click.ClickException in an installed package: source code is written only in a checkout."""
    if not IS_CHECKOUT:
        raise click.ClickException(f"this is an installed package; write {what} in a checkout of its repository")


def _explanation_of(error: RevisionError | SQLAlchemyError) -> str | None:
    if isinstance(error, RevisionError):
        return "the database has a migration that this version does not have; deploy a newer version"
    if isinstance(error, NoReferencedTableError):
        return next(missing_targets(), _first_line(error))
    failure = classify(error)
    if failure is Failure.AWAY:
        return f"the database cannot be reached; check DATABASE_URL: {_first_line(error)}"
    if failure is Failure.BUSY:
        return f"the database is busy; try again later: {_first_line(error)}"
    if isinstance(error, DBAPIError):
        return f"the database refused a statement: {_first_line(error)}"
    return None


def _first_line(error: SQLAlchemyError) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return str(cause).strip().partition("\n")[0]

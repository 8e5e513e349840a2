"""What can go wrong with stored rows, named for what happened; `core/http/errors.py` gives each its status."""

import sqlite3
from collections.abc import Sequence
from enum import Enum
from typing import Any

from sqlalchemy.exc import DataError as SQLDataError
from sqlalchemy.exc import DBAPIError, DontWrapMixin, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError


class DataError(Exception):
    """The base of all that this room raises."""


class RowNotFound(DataError):
    """No such row among the caller's own: absent or somebody else's, which nobody can tell apart."""

    def __init__(self, model: type) -> None:
        super().__init__(f"{model.__name__} not found")


class RowChanged(DataError):
    """The row was changed after the caller read it; `row` is as it is now."""

    def __init__(self, model: type, row: Any) -> None:
        self.row = row
        super().__init__(f"{model.__name__} was changed meanwhile; read it again before you change it")


class FieldsReadOnly(DataError):
    """A change names other values of columns that only the server sets."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"{', '.join(names)} cannot be changed")
        self.names = names


class OwnershipError(DataError, DontWrapMixin):
    """A program's mistake, never a client's: a statement or a row that could cross from one owner to another."""


class OwnerNotBound(OwnershipError):
    """Owned rows were asked for in a session that serves nobody."""

    def __init__(self) -> None:
        super().__init__(
            "This session serves no owner, so it has no rows: let the guard bind one, or in a command say everyone()."
        )


class UnreachableStatement(OwnershipError):
    """A statement that no owner can be added to: raw SQL, an unknown table, another engine."""


class ForeignRow(OwnershipError):
    """A row of another owner was handed to a session, or a row's owner was about to change."""


class OutcomeUnknown(DataError):
    """The connection broke while something was being stored, so it is stored or it is not."""

    def __init__(self) -> None:
        super().__init__("The database went away while it stored this; look whether it did before you send it again")


class OwnerBusy(DataError):
    """The owner has as many connections in use as one may, and they were not free in time."""

    def __init__(self) -> None:
        super().__init__("You ask for too much at once; wait for the answers before you ask for more")


class NotAtomic(DataError):
    """Work of several statements outside `session.atomic()`, where half of it could stay behind."""


class ClosedMethod(DataError):
    """An inherited method that this project does not let anybody use."""


class InvalidDump(DataError):
    """What is to be loaded cannot be; the message says which line and why, to whoever has the file."""


class UnfitRows(DataError):
    """A migration does not fit the rows that are there; the message says which and what to do, to whoever migrates."""


class MigrationError(DataError):
    """The migrations cannot be run as they are; the message says why and what to do, to whoever migrates."""


class BackupFailed(DataError):
    """A backup cannot be made or restored, and nothing was changed; the message says why, to whoever asked for it."""


class ImpossibleRows(DataError):
    """A table that no row can be stored in; the message says why and what to do, to whoever wrote the models."""


class Failure(Enum):
    """What a database's refusal means to the one who asked."""

    AWAY = "away"
    BUSY = "busy"
    READ_ONLY = "read-only"
    SLOW = "too slow"
    CLASH = "clash"
    REFERENCE = "reference"
    REFERRED_TO = "referred to"
    INVALID = "invalid"
    RULE = "rule"
    BUG = "bug"


def classify(error: SQLAlchemyError) -> Failure:
    """Tell what a failed statement means, from the driver's own code and never from a message's wording.

    psycopg carries a SQLSTATE unless no connection was made; sqlite3 an error code (https://sqlite.org/rescode.html).
    """
    if isinstance(error, PoolTimeout):
        return Failure.BUSY
    if isinstance(error, StaleDataError):
        return Failure.CLASH
    if not isinstance(error, DBAPIError):
        return Failure.BUG
    failure = _classify_driver(error)
    # The databases have one code for both sides of a foreign key; what was attempted tells which of them was refused.
    is_deletion = (error.statement or "").startswith("DELETE")
    return Failure.REFERRED_TO if failure is Failure.REFERENCE and is_deletion else failure


def _classify_driver(error: DBAPIError) -> Failure:
    sqlite_code = getattr(error.orig, "sqlite_errorcode", None)
    sqlstate = getattr(error.orig, "sqlstate", None)
    if error.connection_invalidated:
        return Failure.AWAY
    if sqlite_code is not None:
        return _SQLITE.get(sqlite_code) or _SQLITE.get(sqlite_code & 0xFF) or Failure.BUG
    if sqlstate is not None:
        return _SQLSTATE.get(sqlstate) or _SQLSTATE.get(sqlstate[:2]) or Failure.BUG
    if isinstance(error, OperationalError | InterfaceError):
        return Failure.AWAY
    return Failure.INVALID if isinstance(error, SQLDataError) else Failure.BUG


_SQLSTATE = {
    "23001": Failure.REFERRED_TO,  # restrict_violation
    "23503": Failure.REFERENCE,  # foreign_key_violation
    "23505": Failure.CLASH,  # unique_violation
    "40": Failure.BUSY,  # serialization failure, deadlock: others were at the same rows
    "22": Failure.INVALID,  # data exception
    "23P01": Failure.CLASH,  # exclusion_violation
    "23": Failure.RULE,  # NOT NULL and CHECK
    "25006": Failure.READ_ONLY,  # read_only_sql_transaction: a standby, or a provider's full disk
    "08": Failure.AWAY,  # connection exception, also PgBouncer's
    "53": Failure.AWAY,  # insufficient resources
    "55P03": Failure.BUSY,  # lock_timeout
    "57014": Failure.SLOW,  # query_canceled: statement_timeout
    "57": Failure.AWAY,  # shut down
}

_SQLITE = {
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: Failure.CLASH,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: Failure.CLASH,
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: Failure.REFERENCE,
    sqlite3.SQLITE_CONSTRAINT: Failure.RULE,
    sqlite3.SQLITE_MISMATCH: Failure.INVALID,
    sqlite3.SQLITE_TOOBIG: Failure.INVALID,
    sqlite3.SQLITE_READONLY: Failure.READ_ONLY,
    sqlite3.SQLITE_BUSY: Failure.BUSY,
    sqlite3.SQLITE_LOCKED: Failure.BUSY,
    sqlite3.SQLITE_CANTOPEN: Failure.AWAY,
    sqlite3.SQLITE_FULL: Failure.AWAY,
    sqlite3.SQLITE_IOERR: Failure.AWAY,
}

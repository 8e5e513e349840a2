"""Failures: the kind of a database error, from its error code, never from its message."""

import sqlite3
from enum import Enum

from sqlalchemy.exc import DataError as SQLDataError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError


class Failure(Enum):
    """The kinds of database errors."""

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
    """Return the kind of an error."""
    if isinstance(error, PoolTimeout):
        return Failure.BUSY
    if isinstance(error, StaleDataError):
        return Failure.CLASH
    if not isinstance(error, DBAPIError):
        return Failure.BUG
    failure = _classify_driver(error)
    # Both sides of a foreign key have the same error code. A DELETE violates it only as the referenced side.
    is_deletion = (error.statement or "").startswith("DELETE")
    return Failure.REFERRED_TO if failure is Failure.REFERENCE and is_deletion else failure


def _classify_driver(error: DBAPIError) -> Failure:
    # psycopg's errors have a SQLSTATE unless there was no connection. Those of sqlite3 have a result code
    # (https://sqlite.org/rescode.html).
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
    "40": Failure.BUSY,  # serialization_failure, deadlock_detected
    "22": Failure.INVALID,  # data exception
    "23P01": Failure.CLASH,  # exclusion_violation
    "23": Failure.RULE,  # not_null_violation, check_violation
    "25006": Failure.READ_ONLY,  # read_only_sql_transaction: a standby, or a full disk at some hosts
    "08": Failure.AWAY,  # connection exception; PgBouncer uses it too
    "53": Failure.AWAY,  # insufficient resources
    "54000": Failure.INVALID,  # program_limit_exceeded: a value is too long for an index
    "55P03": Failure.BUSY,  # lock_timeout
    "57014": Failure.SLOW,  # query_canceled: statement_timeout
    "57": Failure.AWAY,  # operator intervention: the server shuts down
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
    sqlite3.SQLITE_INTERRUPT: Failure.SLOW,  # by `SqliteConnection`
    sqlite3.SQLITE_CANTOPEN: Failure.AWAY,
    sqlite3.SQLITE_FULL: Failure.AWAY,
    sqlite3.SQLITE_IOERR: Failure.AWAY,
}

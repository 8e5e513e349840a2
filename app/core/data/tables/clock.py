"""The database's clock in statements: `now()`, for the conditions and changes that a noun declares."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel.sql.sqltypes import UTCDateTime


class now(FunctionElement[datetime]):  # noqa: N801  # SQL functions are in lower case
    """The SQL function for the current time in UTC, the same in all of a statement; SQLite's clock has milliseconds."""

    inherit_cache = True
    type = UTCDateTime()


@compiles(now, "postgresql")
def _write_for_postgresql(*_: Any, **__: Any) -> str:
    # Not now(), which is the start of the transaction, nor clock_timestamp(): an index is not used to compare with it.
    return "statement_timestamp()"


@compiles(now, "sqlite")
def _write_for_sqlite(*_: Any, **__: Any) -> str:
    # As the session stores an instant, with six digits: SQLite compares texts. CURRENT_TIMESTAMP has no digits.
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"

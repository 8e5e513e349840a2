"""The clock in the conditions and changes that a noun declares: `now()` is the database's, `day_in()` the server's."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel.sql.sqltypes import UTCDateTime

from app.core.data.tables.field_types import utcnow

TimeZone = ZoneInfo
"""A time zone with an IANA name, as the type of a filter."""


def day_in(zone: TimeZone) -> tuple[datetime, datetime]:
    """Return the begin of today in a time zone, and the begin of tomorrow, in UTC."""
    today = utcnow().astimezone(zone).date()
    # Each of the two midnights has its own offset from UTC: a day with a change of the clocks has 23 or 25 hours.
    first, last = (datetime.combine(day, time(), zone) for day in (today, today + timedelta(days=1)))
    return first.astimezone(UTC), last.astimezone(UTC)


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

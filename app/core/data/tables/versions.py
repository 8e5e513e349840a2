"""Versions of a row, identified by `updated_at`; two versions never share a millisecond."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import JSON, ColumnElement, Table, Text, case, cast, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel.sql.sqltypes import UTCDateTime

CHANGED_AT: Final = "updated_at"
"""The column that identifies a version of a row."""

# The time of a change: now, but at least in the next millisecond after the last change, because a client may lose the
# microseconds, as JavaScript's `Date` does.
_NOW: Final = {
    "postgresql": "greatest(clock_timestamp(), date_trunc('milliseconds', {0}) + interval '1 millisecond')",
    "sqlite": "max(strftime('%Y-%m-%d %H:%M:%f000', 'now'), strftime('%Y-%m-%d %H:%M:%f000', {0}, '+0.001 seconds'))",
}
# One day inside the range of `datetime`, so that every time zone can show the moment.
FIRST_INSTANT: Final = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
LAST_INSTANT: Final = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)

_MILLISECOND: Final = timedelta(milliseconds=1)


class RowVersion(NamedTuple):
    """A version of a row: its last change was at `since` or later and before `until`."""

    since: datetime
    until: datetime

    @classmethod
    def at(cls, moment: datetime) -> "RowVersion":
        # A moment without microseconds may have lost them.
        return cls(moment, moment + (_MILLISECOND if moment.microsecond % 1000 == 0 else timedelta.resolution))

    def contains(self, moment: datetime) -> bool:
        return self.since <= moment < self.until


def parse_moment(sent: object) -> datetime | None:
    """Return the moment of a JSON value with a UTC offset; None for any other value."""
    try:
        moment = msgspec.convert(sent, datetime)
    except (msgspec.ValidationError, UnicodeEncodeError):  # a lone surrogate cannot be encoded
        return None
    return moment if moment.tzinfo and FIRST_INSTANT <= moment <= LAST_INSTANT else None


def is_sent_as(value: object, sent: object) -> bool:
    """Return whether a JSON value equals this value; a time may have lost its microseconds."""
    if isinstance(value, datetime):
        moment = parse_moment(sent)
        return moment is not None and RowVersion.at(moment).contains(value)
    as_json = msgspec.to_builtins(value)
    return isinstance(as_json, bool) is isinstance(sent, bool) and bool(as_json == sent)  # True is 1 in Python


class change_time(FunctionElement[datetime]):  # noqa: N801  # SQL functions are in lower case
    """The SQL function for the new `updated_at` of a row; for UPDATE only."""

    inherit_cache = True
    type = UTCDateTime()


@compiles(change_time)
def _write_change_time(_: change_time, compiler: Any, **options: Any) -> str:
    table = compiler.stack[-1]["selectable"].table
    return change_time_sql(compiler.dialect.name, compiler.process(table.c[CHANGED_AT], **options))


def change_time_sql(dialect: str, changed_at: str = CHANGED_AT) -> str:
    """Return that function as SQL, for a trigger."""
    return _NOW["sqlite" if dialect == "sqlite" else "postgresql"].format(changed_at)


def changed_at(table: Table, new: Mapping[str, ColumnElement[Any]]) -> ColumnElement[Any]:
    """Return the `updated_at` of a row that gets these values; it is unchanged if the row has all of them already."""
    changes = (_comparable(table.c[name]).is_distinct_from(_comparable(value)) for name, value in new.items())
    return case((or_(*changes), change_time()), else_=table.c[CHANGED_AT])


def _comparable(value: ColumnElement[Any]) -> ColumnElement[Any]:
    # PostgreSQL's type json has no equality operator.
    return cast(value, Text) if isinstance(value.type, JSON) else value

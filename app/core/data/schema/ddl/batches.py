"""Splits the update of a large table into batches of rows, in the order of its key."""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, Table, select, tuple_

from app.core.data.tables.owned import OWNER_COLUMN

BATCH_SIZE: Final = 2000
"""An update of so many rows takes about ten milliseconds, and blocks other writers of these rows for that time."""

_REPORT_EVERY: Final = 5.0  # seconds


def batches_of(
    connection: Connection, rows: Table, report: Callable[[str], None]
) -> Iterator[list[ColumnElement[bool]]]:
    """Yield the WHERE conditions of each batch; a table without a key is a single batch."""
    key, after, number, reported_at = _key_of(rows), None, 0, time.monotonic()
    while True:
        last = _last_of(connection, key, after) if key else None
        yield [*_bounds(key, after, last)]
        if last is None:
            return
        after, number = last, number + 1
        if time.monotonic() - reported_at > _REPORT_EVERY:
            reported_at = time.monotonic()
            report(f"{rows.name}: {number * BATCH_SIZE:,} rows are done")


def _key_of(rows: Table) -> list[Column[Any]]:
    if OWNER_COLUMN in rows.c and "id" in rows.c:
        return [rows.c[OWNER_COLUMN], rows.c.id]
    return list(rows.primary_key.columns)


def _last_of(connection: Connection, key: list[Column[Any]], after: Any) -> Any:
    # None if fewer rows than a full batch are left.
    following = select(*key).where(*_bounds(key, after, None)).order_by(*key)
    return connection.execute(following.offset(BATCH_SIZE - 1).limit(1)).one_or_none()


def _bounds(key: list[Column[Any]], after: Any, last: Any) -> Iterator[ColumnElement[bool]]:
    if after is not None:
        yield tuple_(*key) > tuple_(*after)
    if last is not None:
        yield tuple_(*key) <= tuple_(*last)

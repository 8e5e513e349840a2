"""Writes many rows at once: COPY on PostgreSQL, batches of INSERT on SQLite.

Inside `session.atomic()` of a session for everyone. Defaults and the session's hooks are bypassed.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final

import psycopg
from psycopg import sql
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from app.core.data.ownership.session import AppSession
from app.core.data.tables.queryable import HIDDEN
from app.core.data.tables.registry import columns_by_name, table_of
from app.core.data.transfer.read import BATCH

_LAST_ID: Final = text("SELECT seq FROM sqlite_sequence WHERE name = :table")
_NEXT_IDS: Final = text("SELECT nextval(pg_get_serial_sequence(:table, :column)) FROM generate_series(1, :count)")
# Subqueries without aliases: a column may have any name.
_SET_SEQUENCE: Final = """
    SELECT setval(ids, greatest((SELECT max({column}) FROM {table}), pg_sequence_last_value(ids), 1))
    FROM CAST(pg_get_serial_sequence('{table}', '{name}') AS regclass) AS ids WHERE ids IS NOT NULL
"""


async def write_rows(session: AppSession, model: type[SQLModel], rows: Iterable[Sequence[Any]]) -> int:
    """Store rows, each with a value for every column of `columns_by_name(model)`, and return their number.

    Folds are computed; stamps are stored as they are.
    """
    connection = await session.connection()
    if connection.dialect.name == "sqlite":
        return await _insert_batches(connection, model, rows)
    return await _copy(connection, model, rows)


async def reserve_ids(session: AppSession, model: type[SQLModel], count: int) -> list[int]:
    """Return ids for new rows in ascending order; no other transaction gets them."""
    connection, table = await session.connection(), table_of(model)
    if connection.dialect.name == "sqlite":  # the transaction holds the write lock
        last = (await connection.execute(_LAST_ID, {"table": table.name})).scalar() or 0
        return list(range(last + 1, last + count + 1))
    quoted = connection.dialect.identifier_preparer.format_table(table)
    ids = await connection.execute(_NEXT_IDS, {"table": quoted, "column": "id", "count": count})
    return list(ids.scalars())


async def reset_sequence(session: AppSession, model: type[SQLModel]) -> None:
    """Let the sequence of a table continue after its highest id; SQLite does so by itself."""
    connection, column = await session.connection(), table_of(model).autoincrement_column
    if connection.dialect.name == "postgresql" and column is not None:
        quote = connection.dialect.identifier_preparer
        names = {"table": quote.format_table(column.table), "column": quote.format_column(column), "name": column.name}
        await connection.exec_driver_sql(_SET_SEQUENCE.format(**names))


async def _insert_batches(connection: AsyncConnection, model: type[SQLModel], rows: Iterable[Sequence[Any]]) -> int:
    names = [column.key for column in columns_by_name(model).values()]
    statement, remaining, written = insert(table_of(model)), iter(rows), 0
    while batch := [dict(zip(names, row, strict=True)) for row in islice(remaining, BATCH)]:
        await connection.execute(statement, batch)
        written += len(batch)
    return written


async def _copy(connection: AsyncConnection, model: type[SQLModel], rows: Iterable[Sequence[Any]]) -> int:
    visible, dialect = columns_by_name(model), connection.dialect
    folds = [column for column in table_of(model).c if HIDDEN in column.info]
    columns = [*visible.values(), *folds]
    texts = [list(visible).index(column.info[HIDDEN]) for column in folds]
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table_of(model).name), names)
    to_database = [column.type.dialect_impl(dialect).bind_processor(dialect) or _unchanged for column in columns]
    driver: Any = (await connection.get_raw_connection()).driver_connection
    written = 0
    try:
        async with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                values = [*row, *(row[text] for text in texts)]
                await copy.write_row([convert(value) for convert, value in zip(to_database, values, strict=True)])
                written += 1
    except psycopg.Error as error:
        raise DBAPIError(statement.as_string(), None, error, hide_parameters=True) from error
    return written


def _unchanged(value: Any) -> Any:
    return value

"""Rows on their way out: of every table, in an order in which they can be stored again, a batch in memory at a time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
from sqlalchemy import Column, Table, func, inspect, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import SQLModel

from app.core.data.tables.cycles import in_order

BATCH: Final = 1000  # rows in memory at a time


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row, its columns by name, and the table that it is from."""

    table: str
    row: dict[str, Any]

    def line(self) -> bytes:
        """Return it as a line of JSON, {"table": "tasks", "row": {...}}: the one form in which rows leave."""
        return msgspec.json.encode(self) + b"\n"


def mapped_in_order() -> list[type[SQLModel]]:
    """Return the classes of all tables, each behind those that its rows refer to, but for cycles: see `tables/cycles.py`."""
    classes = {mapper.local_table: mapper.class_ for mapper in SQLModel._sa_registry.mappers}
    return [classes[table] for table in in_order(SQLModel.metadata.tables) if table in classes]


def table_of(model: type[SQLModel]) -> Table:
    """Return the table of a class."""
    return cast("Table", inspect(model).local_table)


def table_name(model: type[SQLModel]) -> str:
    """Return the name of a class's table."""
    return str(model.__tablename__)


def columns_by_name(model: type[SQLModel]) -> dict[str, Column[Any]]:
    """Return the columns of a class's table by the names that its rows carry, in order."""
    return {attribute.key: cast("Column[Any]", attribute.columns[0]) for attribute in inspect(model).column_attrs}


async def count_rows(session: AsyncSession, model: type[SQLModel]) -> int:
    """Return how many rows of a table the session sees."""
    return (await session.execute(select(func.count()).select_from(model))).scalar_one()


async def read_rows(session: AsyncSession, model: type[SQLModel], batch: int = BATCH) -> AsyncIterator[TableRow]:
    """Yield the rows that the session sees of a table, in the order of their ids, through one cursor.

    The session is in a transaction: it has a `snapshot_of(engine)`, which is of one moment, or it is inside `atomic()`.

    Raises:
        NotAtomic: it is in none.
    """
    columns = {name: getattr(model, name) for name in columns_by_name(model)}
    keys = (columns[name] for name, column in columns_by_name(model).items() if column.primary_key)
    # The database sorts once, on its disk where there are many rows: no index of PostgreSQL's is in this order.
    found = await session.stream(select(*columns.values()).order_by(*keys).execution_options(yield_per=batch))
    try:
        async for rows in found.partitions():
            for row in rows:
                yield TableRow(table_name(model), dict(zip(columns, row, strict=True)))
    finally:
        await found.close()


def snapshot_of(engine: AsyncEngine) -> AsyncEngine:
    """Return the engine for a session that only reads: it finds all as it was at its first statement.

    Nobody waits for it, and it waits for nobody: on SQLite it takes no write lock, see `begin_immediately`.
    """
    level = "SERIALIZABLE" if engine.dialect.name == "sqlite" else "REPEATABLE READ"
    return engine.execution_options(isolation_level=level, reads_only=True)
